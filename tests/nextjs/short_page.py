"""What a person does on the one page of the two short examples, which is the same in both."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import expect
from sites import Device

PASSWORD: Final = "seven golden teapots"


def fill(device: Device, email: str) -> None:
    device.page.get_by_label("E-mail").fill(email)
    device.page.get_by_label("Password").fill(PASSWORD)


def sign_up(device: Device, email: str) -> None:
    device.page.goto("/")
    device.page.get_by_label("Name").fill("Ada")
    fill(device, email)
    device.page.get_by_role("button", name="Create account").click()
    expect_name(device)
    expect_seen(device, "Ada")


def try_to_sign_in(device: Device, email: str) -> None:
    device.page.goto("/")
    device.page.get_by_role("button", name="I have an account").click()
    fill(device, email)
    device.page.get_by_role("button", name="Sign in").click()


def expect_name(device: Device) -> None:
    expect(device.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()


def expect_seen(device: Device, name: str) -> None:
    expect(device.page.get_by_text(f"A server component saw: {name}.")).to_be_visible()


def expect_form(device: Device) -> None:
    expect(device.page.get_by_role("heading", name="Create an account")).to_be_visible()


def two_browsers_follow(laptop: Device, phone: Device, email: str) -> None:
    """Sign up in one and in with the other; end the other, then everything, from the first."""
    sign_up(laptop, email)
    try_to_sign_in(phone, email)
    expect_name(phone)
    expect_seen(phone, "Ada")
    laptop.page.reload()
    expect_seen(laptop, "Ada")
    devices = laptop.page.get_by_role("listitem")
    expect(devices).to_have_count(2)
    expect(devices.get_by_text("Chrome on Linux", exact=True)).to_be_visible()
    laptop.page.get_by_role("button", name="Sign out that device").click()
    expect(devices).to_have_count(1)
    phone.page.reload()
    expect_seen(phone, "nobody")
    expect_form(phone)
    laptop.page.get_by_role("button", name="Sign out everywhere").click()
    expect_form(laptop)
    expect_seen(laptop, "nobody")
    assert [name for name in laptop.cookies() if name.startswith("better-auth.")] == []


def an_api_that_is_down_signs_nobody_out(laptop: Device, email: str, seen: str) -> None:
    """Sign up, reload while the API is gone, and again when it is back."""
    sign_up(laptop, email)
    held = laptop.cookies()
    laptop.site.relay.cut()
    laptop.page.reload()
    expect_seen(laptop, seen)
    assert laptop.cookies() == held
    laptop.site.relay.restore()
    laptop.page.reload()
    expect_name(laptop)


def an_identity_provider_signs_in(browser: Device, issuer: str, email: str) -> None:
    """Go to the provider and come back."""
    browser.origins.append(issuer)
    browser.page.goto("/")
    browser.page.get_by_role("button", name="Continue with Work").click()
    browser.page.wait_for_url(f"{issuer}/**")  # there is a name on the page before, too
    browser.page.get_by_label("Name").fill(email.partition("@")[0])
    browser.page.get_by_role("button", name="Sign in").click()
    expect(browser.page.get_by_text(email)).to_be_visible()
    expect(browser.page.get_by_text("A server component saw: ada")).to_be_visible()

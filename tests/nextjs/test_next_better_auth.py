"""examples/nextjs-better-auth: the unmodified React client of better-auth, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sites import Device, Site

EXAMPLE = "nextjs-better-auth"
PASSWORD = "seven golden teapots"
pytestmark = pytest.mark.timeout(300)  # the first test builds the application


def fill(device: Device, email: str) -> None:
    device.page.get_by_label("E-mail").fill(email)
    device.page.get_by_label("Password").fill(PASSWORD)


def sign_up(device: Device, email: str) -> None:
    device.page.goto("/")
    device.page.get_by_label("Name").fill("Ada")
    fill(device, email)
    device.page.get_by_role("button", name="Create account").click()
    expect(device.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()


def sign_in(device: Device, email: str) -> None:
    device.page.goto("/")
    device.page.get_by_role("button", name="I have an account").click()
    fill(device, email)
    device.page.get_by_role("button", name="Sign in").click()
    expect(device.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()


@pytest.mark.parametrize("strategy", ["session", "hybrid", "jwt"])
def test_the_hooks_follow_what_the_api_says(site: Site, email: str, strategy: str) -> None:
    site.use(strategy)
    laptop, phone = site.device(), site.device()
    sign_up(laptop, email)
    sign_in(phone, email)
    laptop.page.reload()
    expect(laptop.page.get_by_text("A server component saw: Ada.")).to_be_visible()
    devices = laptop.page.get_by_role("listitem")
    expect(devices).to_have_count(2)
    laptop.page.get_by_role("button", name="Sign out that device").click()
    expect(devices).to_have_count(1)
    phone.page.reload()
    expect(phone.page.get_by_text("A server component saw: nobody.")).to_be_visible()
    expect(phone.page.get_by_role("heading", name="Create an account")).to_be_visible()
    laptop.page.get_by_role("button", name="Sign out everywhere").click()
    expect(laptop.page.get_by_role("heading", name="Create an account")).to_be_visible()
    assert laptop.cookies() == {}


def test_an_api_that_is_down_signs_nobody_out_of_the_hooks(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    sign_up(laptop, email)
    held = laptop.cookies()
    site.relay.cut()
    laptop.page.reload()
    expect(laptop.page.get_by_text("saw: the API does not answer.")).to_be_visible()
    expect(laptop.page.get_by_role("main").get_by_role("alert")).to_contain_text("not answer")
    assert laptop.cookies() == held
    site.relay.restore()
    laptop.page.reload()
    expect(laptop.page.get_by_role("heading", name="Hello, Ada")).to_be_visible()

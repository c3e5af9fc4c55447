"""examples/nextjs: what begins with a letter, followed in a real browser from a real mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect
from sink import Sink
from sites import Device, Site
from whole_example import expect_name, sign_in, sign_up

EXAMPLE = "nextjs"
ANOTHER = "eight silver kettles"
RESET, CONFIRM = "Choose a new password", "Confirm your e-mail address"
pytestmark = pytest.mark.timeout(300)  # the first test builds the application


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Give a mail server."""
    with Sink() as running:
        yield running


@pytest.fixture
def mailing(site: Site, sink: Sink) -> Site:
    """Give the example with an API that mails to the sink."""
    site.use("hybrid", LIMEN_SMTP=sink.url, LIMEN_MAIL_FROM="Limen <no-reply@example.org>")
    return site


def ask_for_link(device: Device, email: str) -> None:
    device.page.goto("/sign-in")
    device.page.get_by_role("link", name="Forgot your password?").click()
    # The page before has an e-mail field as well.
    expect(device.page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
    device.page.get_by_label("E-mail").fill(email)
    device.page.get_by_role("button", name="Send me a link").click()
    expect(device.page.get_by_role("status")).to_contain_text(f"If {email} has an account")


def choose(device: Device, password: str) -> None:
    device.page.get_by_label("New password").fill(password)
    device.page.get_by_role("button", name="Change the password").click()


def test_a_mailed_link_leads_to_a_new_password(mailing: Site, sink: Sink, email: str) -> None:
    laptop, phone = mailing.device(), mailing.device()
    sign_up(laptop, email)
    ask_for_link(phone, email)
    link = sink.link(email, RESET)
    opened = phone.page.goto(link)
    assert opened is not None
    assert opened.headers["referrer-policy"] == "no-referrer"
    expect(phone.page).to_have_url(f"{mailing.url}/new-password")  # without the token
    choose(phone, "short")
    expect(phone.page.get_by_role("main").get_by_role("alert")).to_contain_text("too short")
    choose(phone, ANOTHER)
    expect(phone.page.get_by_role("status")).to_contain_text("Your password is changed")
    sign_in(phone, email, phone.page.url, ANOTHER)
    laptop.page.goto("/account")
    expect(laptop.page).to_have_url(re.compile("/sign-in"))  # that session ended
    phone.page.goto(link)
    expect(phone.page.get_by_role("main").get_by_role("alert")).to_contain_text("does not work")


def test_a_link_that_is_used_meanwhile_says_so(mailing: Site, sink: Sink, email: str) -> None:
    laptop, phone = mailing.device(), mailing.device()
    sign_up(laptop, email)
    ask_for_link(phone, email)
    for device in (laptop, phone):
        device.page.goto(sink.link(email, RESET))
    choose(phone, ANOTHER)
    expect(phone.page.get_by_role("status")).to_contain_text("Your password is changed")
    choose(laptop, ANOTHER)
    expect(laptop.page.get_by_role("main").get_by_role("alert")).to_contain_text("does not work")


@pytest.mark.proves("asvs:7.4.4")
def test_whoever_opened_the_page_for_a_new_password_can_sign_out(site: Site, email: str) -> None:
    site.use("hybrid")
    laptop = site.device()
    sign_up(laptop, email)
    laptop.page.goto("/new-password?token=one")
    expect(laptop.page.get_by_role("button", name="Change the password")).to_be_enabled()
    laptop.page.get_by_role("button", name="Sign out").click()
    expect(laptop.page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()


def test_a_mailed_link_verifies_an_address(mailing: Site, sink: Sink, email: str) -> None:
    laptop = mailing.device()
    sign_up(laptop, email)
    laptop.page.goto("/account?error=INVALID_TOKEN")
    note = laptop.page.get_by_role("region", name="Verify your address")
    expect(note.get_by_role("alert")).to_contain_text("does not work any more")
    note.get_by_role("button", name="Send me a link").click()
    expect(note.get_by_role("status")).to_contain_text("on its way")
    laptop.page.goto(sink.link(email, CONFIRM))
    expect(laptop.page).to_have_url(re.compile("/account$"))
    expect(laptop.page.get_by_role("heading", name="Devices")).to_be_visible()
    expect(note).to_have_count(0)
    expect_name(laptop)


@pytest.mark.proves("asvs:6.3.8")
def test_nothing_tells_who_has_an_account(mailing: Site, email: str) -> None:
    nobody = mailing.device()
    ask_for_link(nobody, f"not.{email}")
    address = f"{mailing.url}/new-password"
    assert httpx.get(address).headers["referrer-policy"] == "same-origin"

"""What a newcomer does on the example's page, for each strategy."""

from __future__ import annotations

import re

import pytest
from devices import PASSWORD, Device, OpenDevice
from playwright.sync_api import expect

STRATEGIES = ("session", "hybrid", "jwt")
LONG_MS = 60_000
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def call_until_refused(one: Device) -> None:
    while one.call() != 401:
        one.page.wait_for_timeout(200)


@each_strategy
def test_sign_up_call_sign_out_sign_in(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    expect(ada.page.locator("#account-status")).to_have_text("Account created.")
    expect(ada.page.locator("#who-email")).to_have_text(email)
    assert ada.call() == 200
    expect(ada.page.locator("#call-result pre")).to_contain_text('"subject": "usr_')
    assert ada.refusals == []

    ada.sign_out()
    assert ada.call() == 401

    ada.sign_in(email)
    ada.expect_signed_in()
    assert ada.call() == 200


@each_strategy
def test_a_reload_keeps_the_sign_in(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    ada.page.reload()
    expect(ada.page.get_by_role("radio", name=strategy)).to_be_checked()
    ada.expect_signed_in()
    assert ada.call() == 200


@each_strategy
def test_a_role_that_is_missing_is_said(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    assert ada.call("/admin") == 403
    expect(ada.page.locator("#call-result")).to_contain_text("Not allowed")


@each_strategy
def test_the_first_device_signs_the_second_out(device: OpenDevice, email: str, strategy: str):
    first = device(strategy)
    first.sign_up(email)
    second = device(strategy)
    second.sign_in(email)
    second.expect_signed_in()
    expect(second.page.locator("#devices li")).to_have_count(2)

    first.page.get_by_role("button", name="Look again").click()
    rows = first.page.locator("#devices li")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="This device")).to_have_count(1)

    first.page.get_by_role("button", name="Sign out everywhere else").click()
    expect(rows).to_have_count(1)
    said = first.page.locator("#devices-status")
    if strategy == "session":
        expect(said).to_have_text("Signed out. The next request from there is refused.")
        assert second.call() == 401
    elif strategy == "hybrid":
        expect(said).to_have_text("Signed out. Refused there within 2 s.")
        call_until_refused(second)
    else:
        expect(said).to_contain_text("works until it expires, up to 15 s, and cannot be renewed")
        assert second.call() == 200
        call_until_refused(second)
    expect(second.page.locator("#sign-in")).to_be_visible()
    expect(second.page.locator("#account-status")).to_have_text("You are no longer signed in here.")
    assert first.call() == 200


@each_strategy
def test_one_row_of_the_list_signs_one_device_out(device: OpenDevice, email: str, strategy: str):
    first = device(strategy)
    first.sign_up(email)
    others = [device(strategy) for _ in range(2)]
    for other in others:
        other.sign_in(email)
        other.expect_signed_in()
    first.page.get_by_role("button", name="Look again").click()
    rows = first.page.locator("#devices li")
    expect(rows).to_have_count(3)
    rows.get_by_role("button", name="Sign out").first.click()
    expect(rows).to_have_count(2)
    assert first.call() == 200


@each_strategy
def test_a_copy_works_as_long_as_was_promised(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    ada.page.get_by_label("Your password again").fill(PASSWORD)
    ada.page.get_by_role("button", name="Copy, sign out, and try the copy").click()
    said = ada.page.locator("#copy-status")
    expect(said).not_to_be_empty(timeout=LONG_MS)
    ticks = ada.page.locator("#ticks li")
    expect(ticks.last).to_have_class(re.compile("refused"))
    if strategy == "session":
        expect(said).to_contain_text("refused at the first try")
        expect(ada.page.locator("#ticks .accepted")).to_have_count(0)
    else:
        expect(said).to_contain_text("Renewing it was refused too.")
    if strategy == "jwt":
        expect(said).to_contain_text("the copy was accepted")
        expect(ticks.first).to_have_class(re.compile("accepted"))
    assert ada.call() == 200  # the first device was never touched


def test_one_account_signs_in_by_any_strategy(device: OpenDevice, email: str):
    ada = device("session")
    ada.sign_up(email)
    for strategy in ("hybrid", "jwt"):
        ada.choose(strategy)
        expect(ada.page.locator("#signed-in")).to_be_hidden()
        ada.sign_in(email)
        expect(ada.page.locator("#who-strategy")).to_have_text(strategy)
        ada.expect_signed_in()
    rows = ada.page.locator("#devices li")
    expect(rows).to_have_count(3)
    for strategy in STRATEGIES:
        expect(rows.filter(has_text=f"{strategy}, since")).to_have_count(1)


@each_strategy
def test_a_wrong_password_is_said(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    ada.sign_out()
    ada.sign_in(email, "eight golden teapots")
    expect(ada.page.locator("#account-status")).to_have_text("Invalid email or password")
    assert ada.call() == 401


def test_each_promise_is_the_one_of_the_server(device: OpenDevice):
    page = device().page
    stated = page.request.get("/strategies").json()
    assert list(stated) == list(STRATEGIES)
    ends = {
        "session": "a copy is refused at once",
        "hybrid": f"a copy is refused within {stated['hybrid']['revocation_window'] // 1000} s",
        "jwt": f"until it expires, up to {stated['jwt']['revocation_window'] // 1000} s",
    }
    for name, promise in stated.items():
        said = page.locator(".strategy", has_text=name)
        reads = promise["store_reads_per_request"]
        expect(said).to_contain_text(f"({reads} {'read' if reads == 1 else 'reads'})")
        expect(said).to_contain_text(ends[name])


@pytest.mark.proves("asvs:3.3.4")
@each_strategy
def test_scripts_cannot_see_the_credential(device: OpenDevice, email: str, strategy: str):
    ada = device(strategy)
    ada.sign_up(email)
    cookies = [cookie for cookie in ada.context.cookies() if "value" in cookie]
    assert {cookie["httpOnly"] for cookie in cookies} == {True}
    seen = "() => document.cookie + JSON.stringify([{...localStorage}, {...sessionStorage}])"
    assert ada.page.evaluate(seen) == "[{},{}]"

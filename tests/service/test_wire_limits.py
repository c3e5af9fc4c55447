"""How often an address may try, and what it is told then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from live import EMAIL, NAME, PASSWORD, Live

from limen import Budget
from limen.service.limits import address_of
from limen.testing import FrozenClock

THREE = Budget("sign-in:address", limit=3, window=10_000)
TOO_MANY = {"message": "Too many requests. Please try again later."}
WRONG = {"email": EMAIL, "password": "not the password"}


def test_a_fourth_try_within_the_window_waits(start: Callable[..., Live]) -> None:
    clock = FrozenClock()
    client = start("session", address_budget=THREE, clock=clock).client()
    tries = [client.post("/sign-in/email", json=WRONG) for _ in range(4)]
    assert [answer.status_code for answer in tries] == [401, 401, 401, 429]
    assert tries[3].json() == TOO_MANY
    assert tries[3].headers["x-retry-after"] == tries[3].headers["retry-after"] == "10"
    clock.advance(10_000)
    assert client.post("/sign-in/email", json=WRONG).status_code == 401


def test_each_path_has_a_budget_of_its_own(start: Callable[..., Live]) -> None:
    live = start("session", address_budget=THREE, clock=FrozenClock())
    browser = live.browser()  # the first of three sign-ups
    paths = ("/sign-in/email", "/sign-up/email", "/change-password")
    answers = {path: [browser.post(path, json={}).status_code for _ in range(4)] for path in paths}
    assert answers == {
        "/sign-in/email": [400, 400, 400, 429],
        "/sign-up/email": [400, 400, 429, 429],
        "/change-password": [400, 400, 400, 429],
    }
    assert browser.get("/get-session").status_code == 200


def test_a_limit_is_judged_before_anything_is_read(start: Callable[..., Live]) -> None:
    client = start("session", address_budget=THREE, clock=FrozenClock()).client()
    for method, content in (("POST", b"{"), ("GET", b""), ("POST", b"x" * 70_000)):
        client.request(method, "/sign-in/email", content=content)
    assert client.post("/sign-in/email", content=b"{").status_code == 429


@pytest.mark.proves("attack:66")
@pytest.mark.parametrize(
    "path", ["/sign-in//email", "/sign-in/email/", "/Sign-In/Email", "/sign-in%2femail"]
)
def test_no_other_spelling_of_a_path_evades_the_limit(
    start: Callable[..., Live], path: str
) -> None:
    client = start("session", address_budget=THREE, clock=FrozenClock()).client()
    for _ in range(5):
        assert client.post(path, json=WRONG).status_code == 404
    assert client.post("/sign-in/email", json=WRONG).status_code == 401


@pytest.mark.proves("attack:70")
def test_many_addresses_share_the_budget_of_one_account(start: Callable[..., Live]) -> None:
    two = Budget("sign-in:account", limit=2, window=60_000)
    live = start("session", account_budget=two, clock=FrozenClock())
    live.browser()
    client = live.client()
    tries = [client.post("/sign-in/email", json=WRONG) for _ in range(3)]
    assert [answer.status_code for answer in tries] == [401, 401, 429]
    assert (tries[2].json(), tries[2].headers["retry-after"]) == (TOO_MANY, "60")
    # The right password waits too, and an account that does not exist is told the same.
    right = client.post("/sign-in/email", json={"email": EMAIL, "password": PASSWORD})
    assert right.status_code == 429
    unknown = {"email": "nobody@example.org", "password": PASSWORD}
    codes = [client.post("/sign-in/email", json=unknown).status_code for _ in range(3)]
    assert codes == [401, 401, 429]


@pytest.mark.proves("asvs:6.2.3", "attack:70")
def test_the_current_password_cannot_be_guessed_by_changing_it(
    start: Callable[..., Live],
) -> None:
    two = Budget("sign-in:device", limit=2, window=60_000)
    browser = start("session", device_budget=two, clock=FrozenClock()).browser()
    change = {"currentPassword": "a wrong password", "newPassword": "another good battery"}
    answers = [browser.post("/change-password", json=change) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert answers[0].json() == {"message": "Invalid password", "code": "INVALID_PASSWORD"}
    assert browser.get("/get-session").json()["user"]["name"] == NAME


@pytest.mark.proves("attack:66")
@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 1), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("testclient", 1), "unknown"),
        (("", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_what_counts_as_one_address(client: tuple[str, int] | None, counted: str) -> None:
    assert address_of({"client": client}) == counted

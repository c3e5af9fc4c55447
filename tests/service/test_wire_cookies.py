"""What the browser is told to keep, and when it is told to forget or to renew."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, SIGNED, STRATEGIES, Live

from limen.testing import FrozenClock

DAY = 86_400
ACCOUNT = {"email": EMAIL, "password": PASSWORD}
SIGN_UP = {"name": NAME, **ACCOUNT}


def set_cookies(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return each cookie's name and attributes, without its value."""
    lines = answer.headers.get_list("set-cookie")
    return [
        (line.partition("=")[0], re.sub(r"^[^;]*; ", "", line)) if ";" in line else (line, "")
        for line in lines
    ]


def names(strategy: str, prefix: str = "") -> list[str]:
    parts = ["session_token"] + (["refresh_token"] if strategy in SIGNED else [])
    return [f"{prefix}better-auth.{part}" for part in parts]


def device(attributes: str, prefix: str = "") -> tuple[str, str]:
    """Return the cookie by which a browser is known, which outlives every sign-in."""
    known = attributes.replace(f"Max-Age={30 * DAY}", f"Max-Age={180 * DAY}")
    return f"{prefix}better-auth.device", known


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_over_http_on_the_loopback(start: Callable[..., Live], strategy: str) -> None:
    live = start(strategy, clock=FrozenClock())
    answer = live.client().post("/sign-up/email", json=SIGN_UP)
    attributes = f"Max-Age={30 * DAY}; Path=/; HttpOnly; SameSite=Lax"
    credentials = [(name, attributes) for name in names(strategy)]
    assert set_cookies(answer) == [*credentials, device(attributes)]
    assert answer.headers["cache-control"] == "no-store"
    # A page's script reads the name of the session; whoever is no browser the credential.
    assert answer.json()["token"].startswith("ses_")
    no_browser = live.client(origin=False).post("/sign-in/email", json=ACCOUNT)
    value = no_browser.headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
    assert value == no_browser.json()["token"]


@pytest.mark.proves("asvs:3.3.1", "cookie:1", "cookie:6")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_behind_https(start: Callable[..., Live], strategy: str) -> None:
    live = start(strategy, base_url="https://app.example", clock=FrozenClock())
    page = live.client(origin=False, Origin="https://app.example")
    answer = page.post("/sign-up/email", json=SIGN_UP)
    attributes = f"Max-Age={30 * DAY}; Path=/; HttpOnly; Secure; SameSite=Lax"
    credentials = [(name, attributes) for name in names(strategy, "__Host-")]
    assert set_cookies(answer) == [*credentials, device(attributes, "__Host-")]


def test_who_asked_to_be_forgotten_gets_cookies_without_an_age(live: Live) -> None:
    browser = live.client()
    answer = browser.post("/sign-up/email", json=SIGN_UP | {"rememberMe": False})
    expected = [
        (name, "Path=/; HttpOnly; SameSite=Lax") for name in names(live.auth.settings.strategy)
    ]
    assert set_cookies(answer) == [*expected, device("Path=/; HttpOnly; SameSite=Lax")]
    session = browser.get("/get-session").json()["session"]
    ends = time.mktime(time.strptime(session["expiresAt"][:19], "%Y-%m-%dT%H:%M:%S"))
    begun = time.mktime(time.strptime(session["createdAt"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert ends - begun == DAY
    # Renewing does not make it remembered.
    renewed = browser.post("/refresh")
    assert renewed.status_code == 200
    assert set_cookies(renewed) == expected


@pytest.mark.proves("cookie:1")
def test_sign_out_forgets_with_the_attributes_it_was_set_with(live: Live) -> None:
    answer = live.browser().post("/sign-out")
    attributes = "Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
    assert set_cookies(answer) == [(name, attributes) for name in names("hybrid")]
    assert all("=;" in line for line in answer.headers.get_list("set-cookie"))


def test_sign_out_answers_the_same_without_a_session(live: Live) -> None:
    answer = live.client().post("/sign-out", json={})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(set_cookies(answer)) == 2


def test_a_cookie_that_will_never_be_accepted_is_forgotten(live: Live) -> None:
    browser = live.browser()
    held = dict(browser.cookies)
    token = held["better-auth.session_token"]
    for broken in (token[:-4] + "AAAA", "x", "lms_" + "A" * 43, "a.b.c", "ey" * 2_000):
        page = live.client(Cookie=f"better-auth.session_token={broken}")
        answer = page.get("/get-session")
        assert (answer.status_code, answer.content) == (200, b"null")
        assert [name for name, _ in set_cookies(answer)] == names("hybrid")


@pytest.mark.proves("cookie:8")
def test_two_cookies_of_one_name_are_believed_neither_nor_forgotten(live: Live) -> None:
    """A subdomain can toss a cookie in; it must not be able to end somebody's session."""
    browser = live.browser()
    token = browser.cookies["better-auth.session_token"]
    page = live.client(
        Cookie=f"better-auth.session_token={token}; better-auth.session_token=tossed"
    )
    answer = page.get("/get-session")
    assert answer.json() is None
    assert set_cookies(answer) == []
    assert browser.get("/get-session").json() is not None


def test_get_session_of_a_live_session_sets_nothing(live: Live) -> None:
    answer = live.browser().get("/get-session")
    assert set_cookies(answer) == []
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert "needsRefresh" not in answer.json()


@pytest.mark.proves("asvs:3.5.3")
@pytest.mark.parametrize("strategy", SIGNED)
@pytest.mark.parametrize("seconds", [200, 400])
def test_a_get_asks_for_renewal_and_only_a_post_renews(
    start: Callable[..., Live], strategy: str, seconds: int
) -> None:
    """Past half of the 300 s of an access token, and past all of them."""
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    browser = live.browser()
    tabs = [live.copy_of(browser) for _ in range(3)]
    name = "better-auth.refresh_token"
    before = browser.cookies[name]
    clock.advance(seconds * 1000)

    asked = [tab.get("/get-session") for tab in tabs]
    assert [answer.json()["needsRefresh"] for answer in asked] == [True] * 3
    for answer in asked:
        assert name not in [cookie for cookie, _ in set_cookies(answer)]

    renewed = tabs[0].post("/refresh" if seconds == 400 else "/get-session")
    assert [cookie for cookie, _ in set_cookies(renewed)] == names(strategy)
    assert tabs[0].cookies[name] != before
    session = tabs[0].get("/get-session").json()
    assert session["session"]["id"] == asked[0].json()["session"]["id"]
    assert "needsRefresh" not in session


@pytest.mark.parametrize("strategy", SIGNED)
def test_a_post_to_get_session_renews_what_has_run_out(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    browser = start(strategy, clock=clock).browser()
    clock.advance(400_000)
    answer = browser.post("/get-session")
    assert answer.json()["user"]["email"] == EMAIL
    assert "needsRefresh" not in answer.json()
    assert [cookie for cookie, _ in set_cookies(answer)] == names(strategy)


@pytest.mark.parametrize("strategy", SIGNED)
def test_a_post_to_get_session_renews_nothing_before_it_is_due(
    start: Callable[..., Live], strategy: str
) -> None:
    browser = start(strategy).browser()
    answer = browser.post("/get-session")
    assert answer.json()["user"]["email"] == EMAIL
    assert set_cookies(answer) == []


@pytest.mark.proves("asvs:3.3.4", "asvs:10.1.1")
@pytest.mark.parametrize("strategy", SIGNED)
def test_a_refresh_token_in_a_cookie_never_reaches_the_page(
    start: Callable[..., Live], strategy: str
) -> None:
    browser = start(strategy).browser()
    before = browser.cookies["better-auth.refresh_token"]
    answer = browser.post("/refresh", headers={"x-limen-carrier": "bearer"})
    assert set(answer.json()) == {"token", "expiresAt"}
    assert answer.json()["token"] is None
    assert browser.cookies["better-auth.refresh_token"] not in (before, *answer.text.split('"'))


@pytest.mark.proves("asvs:3.3.4")
def test_a_session_slides_and_its_id_never_reaches_the_page(start: Callable[..., Live]) -> None:
    clock = FrozenClock()
    browser = start("session", clock=clock).browser()
    before = browser.get("/get-session").json()["session"]["expiresAt"]
    clock.advance(3_600_000)
    answer = browser.post("/refresh")
    assert answer.json()["token"] is None
    assert answer.json()["expiresAt"] > before


@pytest.mark.parametrize("strategy", SIGNED)
def test_two_tabs_that_renew_at_once_both_stay_signed_in(
    start: Callable[..., Live], strategy: str
) -> None:
    live = start(strategy, clock=FrozenClock())
    tab = live.browser()
    other = live.copy_of(tab)
    assert tab.post("/refresh").status_code == 200
    assert other.post("/refresh").status_code == 200
    name = "better-auth.refresh_token"
    assert tab.cookies[name] == other.cookies[name]


@pytest.mark.parametrize("strategy", SIGNED)
def test_a_late_tab_does_not_make_the_browser_forget_the_newer_cookies(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    tab = live.browser()
    late = live.copy_of(tab)
    clock.advance(400_000)
    assert tab.post("/refresh").status_code == 200
    # On its way since before the other tab renewed: it is served, and its answer leaves the
    # newer refresh token alone.
    answer = late.get("/get-session")
    assert answer.json() is not None
    assert [name for name, _ in set_cookies(answer)] == ["better-auth.session_token"]
    assert "Max-Age=0" not in answer.headers["set-cookie"]
    assert tab.get("/get-session").json() is not None


@pytest.mark.parametrize("strategy", SIGNED)
def test_a_tab_two_tokens_behind_is_refused_and_keeps_the_cookies_of_the_others(
    start: Callable[..., Live], strategy: str
) -> None:
    live = start(strategy, clock=FrozenClock())
    tab = live.browser()
    late = live.copy_of(tab)
    assert [tab.post("/refresh").status_code for _ in range(2)] == [200, 200]
    answer = late.post("/refresh")
    assert answer.status_code == 401
    assert set_cookies(answer) == []
    assert tab.post("/refresh").status_code == 200


@pytest.mark.proves("asvs:10.4.5", "oauth:8")
@pytest.mark.parametrize("strategy", SIGNED)
def test_a_replayed_refresh_token_ends_the_family(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    victim = live.browser()
    thief = live.copy_of(victim)
    for _ in range(2):
        clock.advance(60_000)
        assert victim.post("/refresh").status_code == 200
    clock.advance(60_000)
    stolen = thief.post("/refresh")
    assert stolen.status_code == 401
    assert all("Max-Age=0" in attributes for _, attributes in set_cookies(stolen))
    assert len(set_cookies(stolen)) == 2
    assert victim.post("/refresh").status_code == 401


def test_refreshing_with_nothing_is_refused(live: Live) -> None:
    answer = live.client().post("/refresh")
    assert answer.status_code == 401
    assert answer.json() == {"message": "Unauthorized", "code": "UNAUTHORIZED"}
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_app_that_signs_in_from_a_browser_with_cookies_leaves_none_behind(live: Live) -> None:
    browser = live.browser()
    answer = browser.post("/sign-in/email", json=ACCOUNT, headers={"x-limen-carrier": "bearer"})
    assert answer.json()["token"]
    assert all("Max-Age=0" in attributes for _, attributes in set_cookies(answer))
    assert set(browser.cookies) == {"better-auth.device"}  # no credential, so it stays

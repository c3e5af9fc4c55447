"""Several accounts in one browser: what the cookies hold, and what ends when."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from live import EMAIL, PASSWORD, SIGNED, STRATEGIES, Live

from limen import BetterAuthSettings, ConfigurationError, Limen, Settings
from limen.revocation import Target
from limen.testing import FrozenClock
from limen.transports.better_auth import MAX_ACCOUNTS

PREFIX = "better-auth.session_token_multi-"
PATH = "/multi-session"


def several(start: Callable[..., Live], strategy: str = "session", **options: object) -> Live:
    maximum = options.pop("maximum", 2)
    return start(strategy, better_auth=BetterAuthSettings(multi_session=maximum), **options)


def sign_up(browser: httpx.Client, name: str) -> str:
    """Sign somebody up in a browser; return the handle of the session."""
    person = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
    answer = browser.post("/sign-up/email", json=person)
    assert answer.status_code == 200, answer.text
    handle: str = answer.json()["token"]
    assert handle.startswith("ses_")
    return handle


def sign_in(browser: httpx.Client, name: str) -> str:
    answer = browser.post(
        "/sign-in/email", json={"email": f"{name}@example.org", "password": PASSWORD}
    )
    handle: str = answer.json()["token"]
    return handle


def listed(browser: httpx.Client) -> list[str]:
    answer = browser.get(f"{PATH}/list-device-sessions")
    assert answer.status_code == 200
    return sorted(one["user"]["name"] for one in answer.json())


def who(browser: httpx.Client) -> str | None:
    told = browser.get("/get-session").json()
    return told and told["user"]["name"]


def activate(browser: httpx.Client, handle: str) -> httpx.Response:
    return browser.post(f"{PATH}/set-active", json={"sessionToken": handle})


def kept(browser: httpx.Client) -> dict[str, str]:
    return {name: value for name, value in browser.cookies.items() if name.startswith(PREFIX)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_account_has_a_cookie_that_no_page_can_read(
    start: Callable[..., Live], strategy: str
) -> None:
    browser = several(start, strategy).client()
    person = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
    answer = browser.post("/sign-up/email", json=person)
    (line,) = (one for one in answer.headers.get_list("set-cookie") if one.startswith(PREFIX))
    assert line.partition("=")[0] == PREFIX + answer.json()["token"].lower()
    assert "; Path=/; HttpOnly; SameSite=Lax" in line
    bodies = answer.text + browser.get(f"{PATH}/list-device-sessions").text
    for value in browser.cookies.values():
        assert value not in bodies


@pytest.mark.parametrize("strategy", SIGNED)
def test_what_is_kept_is_what_renews_at_this_moment(
    start: Callable[..., Live], strategy: str
) -> None:
    """One rotation, one response: neither cookie is ever a spent token."""
    browser = several(start, strategy).client()
    sign_up(browser, "ada")
    before = kept(browser)
    assert browser.post("/refresh").status_code == 200
    assert kept(browser) != before
    assert list(kept(browser).values()) == [browser.cookies["better-auth.refresh_token"]]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_changing_to_and_fro_signs_nobody_out(start: Callable[..., Live], strategy: str) -> None:
    clock = FrozenClock()
    browser = several(start, strategy, clock=clock).client()
    ada, bob = sign_up(browser, "ada"), sign_up(browser, "bob")
    for _ in range(3):
        for name, handle in (("ada", ada), ("bob", bob)):
            clock.advance(400_000)
            answer = activate(browser, handle)
            assert answer.json()["user"]["name"] == name
            assert answer.json()["session"]["token"] == handle
            assert browser.post("/get-session").json()["user"]["name"] == name
    assert listed(browser) == ["ada", "bob"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_tabs_that_change_at_once_leave_every_account_in_place(
    start: Callable[..., Live], strategy: str
) -> None:
    live = several(start, strategy)
    browser = live.client()
    ada = sign_up(browser, "ada")
    sign_up(browser, "bob")
    tab = live.copy_of(browser)
    renewed = browser.post("/refresh")
    changed = activate(tab, ada)
    assert (renewed.status_code, changed.status_code) == (200, 200)
    for first, second in ((renewed, changed), (changed, renewed)):
        shared = live.copy_of(tab)
        for answer in (first, second):
            for name, value in answer.cookies.items():
                shared.cookies.set(name, value, domain="127.0.0.1", path="/")
        assert listed(shared) == ["ada", "bob"]
        assert who(shared) in ("ada", "bob")


def test_who_signs_in_again_takes_their_own_place(start: Callable[..., Live]) -> None:
    live = several(start)
    browser = live.client()
    first = sign_up(browser, "ada")
    sign_up(browser, "bob")
    again = sign_in(browser, "ada")
    assert live.run(live.auth.session(first)) is None
    assert listed(browser) == ["ada", "bob"]
    assert {name.removeprefix(PREFIX) for name in kept(browser)} >= {again.lower()}
    assert len(kept(browser)) == 2


def test_above_the_maximum_the_account_that_acted_gives_way(start: Callable[..., Live]) -> None:
    live = several(start)
    browser = live.client()
    sign_up(browser, "ada")
    bob = sign_up(browser, "bob")
    sign_up(browser, "eve")
    assert listed(browser) == ["ada", "eve"]
    assert live.run(live.auth.session(bob)) is None, "nothing goes on that nobody can see"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_revoked_elsewhere_is_neither_listed_nor_taken_up(
    start: Callable[..., Live], strategy: str
) -> None:
    live = several(start, strategy)
    browser = live.client()
    ada = sign_up(browser, "ada")
    sign_up(browser, "bob")
    live.run(live.auth.revoke(Target.session(ada)))
    assert listed(browser) == ["bob"]
    answer = activate(browser, ada)
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_SESSION_TOKEN")
    assert who(browser) == "bob"
    assert len(kept(browser)) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_sign_out_ends_every_account_of_the_browser(
    start: Callable[..., Live], strategy: str
) -> None:
    live = several(start, strategy)
    browser = live.client()
    handles = [sign_up(browser, "ada"), sign_up(browser, "bob")]
    thief = live.copy_of(browser)
    assert browser.post("/sign-out").json() == {"success": True}
    assert set(browser.cookies) == {"better-auth.device"}  # which opens nothing
    assert [live.run(live.auth.session(one)) for one in handles] == [None, None]
    assert listed(thief) == []
    assert activate(thief, handles[0]).status_code == 401


def test_a_cookie_stands_for_the_session_that_its_name_says(start: Callable[..., Live]) -> None:
    live = several(start)
    browser = live.client()
    ada, bob = sign_up(browser, "ada"), sign_up(browser, "bob")
    credential = kept(browser)[PREFIX + ada.lower()]
    under_bob = live.client(Cookie=f"{PREFIX}{bob.lower()}={credential}")
    assert activate(under_bob, bob).status_code == 401
    assert listed(under_bob) == []
    twice = f"{PREFIX}{ada.lower()}={credential}"
    tossed = live.client(Cookie=f"{twice}; {twice}")
    assert listed(tossed) == []
    assert activate(tossed, ada).status_code == 401


def test_a_foreign_page_changes_nothing_and_a_bearer_has_no_browser(
    start: Callable[..., Live],
) -> None:
    live = several(start)
    browser = live.client()
    ada = sign_up(browser, "ada")
    sign_up(browser, "bob")
    for path in ("set-active", "revoke"):
        answer = browser.post(
            f"{PATH}/{path}",
            json={"sessionToken": ada},
            headers={"Origin": "https://evil.example"},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "INVALID_ORIGIN")
    credential = kept(browser)[PREFIX + ada.lower()]
    browser.headers["Authorization"] = f"Bearer {credential}"
    assert listed(browser) == []


def test_who_signed_in_before_the_plugin_is_kept_when_another_takes_over(
    start: Callable[..., Live],
) -> None:
    live = several(start)
    browser = live.client()
    ada, bob = sign_up(browser, "ada"), sign_up(browser, "bob")
    browser.cookies.delete(PREFIX + bob.lower())
    assert activate(browser, ada).status_code == 200
    assert listed(browser) == ["ada", "bob"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_new_password_leaves_the_other_accounts_in_place(
    start: Callable[..., Live], strategy: str
) -> None:
    browser = several(start, strategy).client()
    sign_up(browser, "ada")
    sign_up(browser, "bob")
    change = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
    assert browser.post("/change-password", json=change).status_code == 200
    assert listed(browser) == ["ada", "bob"]
    assert who(browser) == "bob"


def test_without_the_setting_there_is_none_of_it(start: Callable[..., Live]) -> None:
    browser = start("session").browser()
    assert kept(browser) == {}
    assert browser.get(f"{PATH}/list-device-sessions").status_code == 404


@pytest.mark.parametrize("number", [-1, MAX_ACCOUNTS + 1])
def test_the_maximum_has_a_maximum(number: int) -> None:
    with pytest.raises(ConfigurationError, match="multi_session"):
        BetterAuthSettings(multi_session=number)


def test_without_stored_sessions_there_is_nothing_to_change_between() -> None:
    plugins = BetterAuthSettings(multi_session=2)
    with pytest.raises(ConfigurationError, match="multi_session"):
        Limen(settings=Settings("jwt", refresh=None, secret="x", better_auth=plugins))

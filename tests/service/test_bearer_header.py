"""`set-auth-token` and `set-auth-jwt`: who gets them, and what a page's script may read."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, SIGNED, STRATEGIES, Live

from limen import BetterAuthSettings
from limen.revocation import Target
from limen.testing import FrozenClock

SIGN_UP = {"name": NAME, "email": EMAIL, "password": PASSWORD}
ACCOUNT = {"email": EMAIL, "password": PASSWORD}
BEARER = {"x-limen-carrier": "bearer"}


def told(answer: httpx.Response) -> tuple[str | None, str | None]:
    return (
        answer.headers.get("set-auth-token"),
        answer.headers.get("access-control-expose-headers"),
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_is_no_page_is_told_its_bearer(start: Callable[..., Live], strategy: str) -> None:
    live = start(strategy)
    app = live.client(origin=False)
    answer = app.post("/sign-up/email", json=SIGN_UP)
    assert told(answer) == (answer.json()["token"], "set-auth-token")
    app.cookies.clear()
    app.headers["Authorization"] = f"Bearer {answer.headers['set-auth-token']}"
    assert app.get("/get-session").json()["user"]["email"] == EMAIL
    assert "set-auth-token" not in app.get("/get-session").headers


@pytest.mark.proves("asvs:10.1.1", "asvs:3.3.4")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_page_is_told_nothing_that_its_cookies_keep_from_it(
    start: Callable[..., Live], strategy: str
) -> None:
    """Not even one that claims to want a bearer while it acts with cookies."""
    clock = FrozenClock()
    page = start(strategy, clock=clock).client()
    answers = [page.post("/sign-up/email", json=SIGN_UP)]
    for path in ("/refresh", "/get-session", "/refresh"):
        clock.advance(400_000)
        answers.append(page.post(path, headers=BEARER))
    clock.advance(400_000)
    answers.append(page.get("/get-session", headers=BEARER))
    for answer in answers:
        assert answer.status_code == 200
        assert told(answer) == (None, None)
        for credential in page.cookies.values():
            assert credential not in answer.text


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_page_that_signs_in_as_an_app_is_told_and_keeps_no_cookie(
    start: Callable[..., Live], strategy: str
) -> None:
    page = start(strategy).client()
    answer = page.post("/sign-up/email", json=SIGN_UP, headers=BEARER)
    assert told(answer) == (answer.json()["token"], "set-auth-token")
    assert not page.cookies


@pytest.mark.parametrize("strategy", SIGNED)
def test_an_app_that_refreshes_is_told_its_next_bearer(
    start: Callable[..., Live], strategy: str
) -> None:
    app, kept = start(strategy).app()
    answer = app.post("/refresh", json={"refreshToken": kept["refreshToken"]})
    assert told(answer) == (answer.json()["token"], "set-auth-token")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_get_session_carries_a_token_for_other_services_where_that_is_set(
    start: Callable[..., Live], strategy: str
) -> None:
    live = start(strategy, better_auth=BetterAuthSettings(session_jwt=True))
    browser = live.browser()
    answer = browser.get("/get-session")
    assert answer.headers["set-auth-jwt"].count(".") == 2
    assert answer.headers["access-control-expose-headers"] == "set-auth-jwt"
    assert "set-auth-jwt" not in live.client().get("/get-session").headers
    live.run(live.auth.revoke(Target.session(answer.json()["session"]["id"])))
    assert "set-auth-jwt" not in browser.get("/get-session").headers


def test_it_carries_none_otherwise(start: Callable[..., Live]) -> None:
    assert "set-auth-jwt" not in start("session").browser().get("/get-session").headers

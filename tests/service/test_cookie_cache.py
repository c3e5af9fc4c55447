"""The copy of a session that a front end reads: by whom, for how long, and until when."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, STRATEGIES, Live
from nodes import run

from limen import BetterAuthSettings, ConfigurationError
from limen.revocation import Target
from limen.testing import FrozenClock
from limen.transports.better_auth import CACHE_FORMATS, MAX_COOKIE_CACHE, cache_secret

SECONDS = 60
NAME_OF_COOKIE = "better-auth.session_data"


def caching(start: Callable[..., Live], strategy: str = "session", **options: Any) -> Live:
    written = options.pop("written", "compact")
    settings = BetterAuthSettings(cookie_cache=SECONDS, cookie_cache_format=written)
    return start(strategy, better_auth=settings, **options)


def lines_of(answer: httpx.Response) -> list[str]:
    lines = answer.headers.get_list("set-cookie")
    return [line for line in lines if line.startswith(NAME_OF_COOKIE)]


def as_middleware(installed: Path, live: Live, cookie: str, **options: Any) -> dict[str, Any]:
    """Read a Cookie header with the functions that a Next.js middleware imports."""
    asked = {"secret": cache_secret(live.auth.assembly.secrets), "isSecure": False, **options}
    given = json.dumps({"cookie": cookie, "options": asked})
    told: dict[str, Any] = json.loads(run(installed, "cookie_cache.mjs", given=given))
    return told


def cookies_of(browser: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


@pytest.mark.parametrize("written", CACHE_FORMATS)
def test_the_middleware_of_the_front_end_reads_it(
    start: Callable[..., Live], installed: Path, written: str
) -> None:
    live = caching(start, "hybrid", written=written)
    browser = live.client()
    person = {"name": 'Zoë "Q" \u2028 \x7f', "email": EMAIL, "password": PASSWORD}
    assert browser.post("/sign-up/email", json=person).status_code == 200
    told = as_middleware(installed, live, cookies_of(browser), strategy=written)
    session = browser.get("/get-session").json()
    for part in ("session", "user"):
        assert {**session[part], "updatedAt": 0} == {**told["cache"][part], "updatedAt": 0}
    assert told["cache"]["session"]["token"].startswith("ses_")
    assert told["session"] == browser.cookies["better-auth.session_token"]

    forged = cookies_of(browser).replace(
        browser.cookies[NAME_OF_COOKIE], browser.cookies[NAME_OF_COOKIE][:-3] + "AAA"
    )
    assert as_middleware(installed, live, forged, strategy=written)["cache"] is None
    other = as_middleware(installed, live, cookies_of(browser), strategy=written, secret="other")
    assert other["cache"] is None


@pytest.mark.parametrize("written", CACHE_FORMATS)
def test_nobody_believes_it_longer_than_was_said(
    start: Callable[..., Live], installed: Path, written: str
) -> None:
    """Written a minute ago by the server's clock, read now: not even a tolerance saves it."""
    past = FrozenClock(round(time.time() * 1000) - (SECONDS + 1) * 1000)
    live = caching(start, written=written, clock=past)
    browser = live.client()
    person = {"name": NAME, "email": EMAIL, "password": PASSWORD, "rememberMe": False}
    answer = browser.post("/sign-up/email", json=person)
    (line,) = lines_of(answer)
    assert "Max-Age" not in line, "it goes with the browser, and is over by its own word before"
    assert as_middleware(installed, live, cookies_of(browser), strategy=written)["cache"] is None


def test_behind_https_its_name_is_that_of_the_other_cookies(
    start: Callable[..., Live], installed: Path
) -> None:
    live = caching(start, base_url="https://app.example")
    page = live.client(origin=False, Origin="https://app.example")
    person = {"name": NAME, "email": EMAIL, "password": PASSWORD}
    answer = page.post("/sign-up/email", json=person)
    cookie = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
    assert f"__Host-{NAME_OF_COOKIE}=" in cookie
    told = as_middleware(installed, live, cookie, cookiePrefix="__Host-better-auth")
    assert told["cache"]["user"]["email"] == EMAIL
    assert told["session"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_holds_no_credential_and_is_never_believed_here(
    start: Callable[..., Live], strategy: str
) -> None:
    live = caching(start, strategy)
    browser = live.browser()
    copy = browser.cookies[NAME_OF_COOKIE]
    alone = live.client(Cookie=f"{NAME_OF_COOKIE}={copy}")
    assert alone.get("/get-session").json() is None
    assert alone.get("/list-sessions").status_code == 401
    for text in (copy, browser.get("/get-session").json()["session"]["token"]):
        bearer = live.client(Authorization=f"Bearer {text}")
        assert bearer.get("/get-session").json() is None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_is_written_for_so_long_and_no_longer_than_the_session(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    browser = caching(start, strategy, clock=clock, idle=330).browser()
    (line,) = lines_of(browser.get("/get-session"))
    assert f"; Max-Age={SECONDS}; Path=/; HttpOnly; SameSite=Lax" in line
    clock.advance(299_000 if strategy == "jwt" else 300_000)
    answer = browser.get("/get-session")
    assert answer.json() is not None
    (line,) = lines_of(answer)
    age = int(line.partition("Max-Age=")[2].partition(";")[0])
    ends = answer.json()["session"]["expiresAt"]
    assert age <= SECONDS
    assert age * 1000 <= _milliseconds(ends) - clock.now()


def _milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_ends_the_session_takes_the_copy_along(
    start: Callable[..., Live], strategy: str
) -> None:
    live = caching(start, strategy)

    def signed_in(number: int) -> httpx.Client:
        return live.browser(f"ada.{number}@example.org")

    def own(browser: httpx.Client) -> str:
        handle: str = browser.get("/get-session").json()["session"]["token"]
        return handle

    out, one, every, elsewhere = map(signed_in, range(4))
    answers = [
        out.post("/sign-out"),
        one.post("/revoke-session", json={"token": own(one)}),
        every.post("/revoke-sessions"),
    ]
    live.run(live.auth.revoke(Target.session(own(elsewhere))))
    answers.append(elsewhere.get("/get-session"))
    assert answers[-1].json() is None
    for answer in answers:
        (line,) = lines_of(answer)
        assert line.startswith(f"{NAME_OF_COOKIE}=; Max-Age=0; Path=/")
    for browser in (out, one, every, elsewhere):
        assert NAME_OF_COOKIE not in browser.cookies


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_request_writes_it_again_once_the_session_has_ended(
    start: Callable[..., Live], strategy: str
) -> None:
    live = caching(start, strategy)
    browser = live.browser()
    thief = live.copy_of(browser)
    handle = browser.get("/get-session").json()["session"]["token"]
    live.run(live.auth.revoke(Target.session(handle)))
    for method, path, body in (
        ("GET", "/get-session", None),
        ("POST", "/get-session", None),
        ("POST", "/update-user", {"name": "Eve"}),
        ("POST", "/refresh", None),
        ("GET", "/list-sessions", None),
    ):
        answer = thief.request(method, path, json=body)
        assert [line for line in lines_of(answer) if "Max-Age=0" not in line] == []


def test_another_person_is_never_shown_the_copy_of_the_last(start: Callable[..., Live]) -> None:
    live = caching(start)
    live.browser("bob@example.org", name="x" * 200)
    browser = live.browser()
    before = browser.cookies[NAME_OF_COOKIE]
    other = {"email": "bob@example.org", "password": PASSWORD}
    assert browser.post("/sign-in/email", json=other).status_code == 200
    assert browser.cookies[NAME_OF_COOKIE] != before


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "https://pictures.example/" + "a" * 4_000},
        {"name": "2026-08-18T14:46:12Z"},
    ],
)
def test_what_no_reader_could_read_is_not_written(
    start: Callable[..., Live], changed: dict[str, str]
) -> None:
    browser = caching(start).browser()
    assert browser.post("/update-user", json=changed).status_code == 200
    answer = browser.get("/get-session")
    assert answer.json()["user"] | changed == answer.json()["user"]
    assert [line.partition(";")[0] for line in lines_of(answer)] == [f"{NAME_OF_COOKIE}="]


def test_pieces_of_another_writer_are_expired_as_well(start: Callable[..., Live]) -> None:
    live = caching(start)
    page = live.client(Cookie=f"{NAME_OF_COOKIE}.0=a; {NAME_OF_COOKIE}.1=b; {NAME_OF_COOKIE}x=c")
    names = [line.partition("=")[0] for line in lines_of(page.get("/get-session"))]
    assert names == [f"{NAME_OF_COOKIE}.0", f"{NAME_OF_COOKIE}.1"]


def test_an_app_with_a_bearer_gets_none(start: Callable[..., Live]) -> None:
    app, _ = caching(start).app()
    assert lines_of(app.get("/get-session")) == []


@pytest.mark.proves("nist:8")
def test_it_is_off_unless_asked_for(start: Callable[..., Live]) -> None:
    assert NAME_OF_COOKIE not in start("session").browser().cookies


@pytest.mark.parametrize("wrong", [{"cookie_cache": MAX_COOKIE_CACHE + 1}, {"cookie_cache": -1}])
def test_its_seconds_have_a_ceiling(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="cookie_cache"):
        BetterAuthSettings(**wrong)


def test_its_format_is_one_that_somebody_reads() -> None:
    with pytest.raises(ConfigurationError, match="cookie_cache_format"):
        BetterAuthSettings(cookie_cache_format="xml")  # type: ignore[arg-type]

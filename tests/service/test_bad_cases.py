"""What goes wrong between a front end and a service, each case in one place.

Two tabs that refresh at once, in a browser: `test_hooks_in_browser.py`. A client of an older
minor version: `test_npm_client.py`. Open redirects of a sign-in: `test_wire_origin.py`. A client
whose clock is wrong: `test_hooks_in_browser.py`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from live import EMAIL, NAME, PASSWORD, SIGNED, STRATEGIES, Live, serve, served
from pages import HTML, WithPages, chromium
from playwright.sync_api import Browser

from limen.claims import DEFAULT_LEEWAY
from limen.service.better_auth.routes import endpoints_of
from limen.testing import FrozenClock

ACCOUNT = {"email": EMAIL, "password": PASSWORD}
SIGN_UP = {"name": NAME, **ACCOUNT}
REFRESH = "better-auth.refresh_token"
TARGETS = ("callbackURL", "redirectTo", "errorCallbackURL", "newUserCallbackURL")


def set_names(answer: httpx.Response) -> list[str]:
    return [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]


def raw(live: Live, browser: httpx.Client, request: str) -> socket.socket:
    """Send a request over a socket of our own, with the cookies of a browser."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    host = live.url.removeprefix("http://")
    sock = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=20)
    lines = (request, f"Host: {host}", f"Origin: {live.url}", f"Cookie: {cookies}")
    sock.sendall("\r\n".join((*lines, "Content-Length: 0", "", "")).encode())
    return sock


@pytest.mark.parametrize("strategy", SIGNED)
def test_two_tabs_that_refresh_at_once_get_one_successor_and_raise_no_alarm(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    browser = live.browser()
    tabs = [live.copy_of(browser) for _ in range(4)]
    sockets = [raw(live, tab, "POST /api/auth/refresh HTTP/1.1") for tab in tabs]
    answers = [sock.recv(65_536).decode() for sock in sockets]
    for sock in sockets:
        sock.close()
    successors = {one.partition(f"{REFRESH}=")[2].partition(";")[0] for one in answers}
    assert len(successors) == 1
    clock.advance(60_000)
    browser.cookies.set(REFRESH, successors.pop(), domain="127.0.0.1", path="/")
    assert browser.post("/refresh").status_code == 200


@pytest.mark.proves("oauth:18")
@pytest.mark.parametrize("strategy", SIGNED)
def test_a_refresh_whose_answer_was_lost_is_repeated_with_the_same_successor(
    start: Callable[..., Live], strategy: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    browser = live.browser()
    with raw(live, browser, "POST /api/auth/refresh HTTP/1.1") as sock:
        lost = sock.recv(65_536).decode()  # it was sent, and never reached the browser's jar
    clock.advance(5_000)
    again = browser.post("/refresh")
    assert again.status_code == 200
    assert f"{REFRESH}={browser.cookies[REFRESH]};" in lost
    clock.advance(60_000)
    assert browser.post("/refresh").status_code == 200


@pytest.mark.proves("attack:87")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_restart_in_the_middle_signs_nobody_out(
    template: Path, tmp_path: Path, strategy: str
) -> None:
    homes = [tmp_path / name for name in ("before", "after")]
    for home in homes:
        home.mkdir()
    with serve(template, homes[0], strategy) as before:
        held = dict(before.browser().cookies)
        database = f"sqlite+aiosqlite:///{before.database}"
    with serve(template, homes[1], strategy, database=database) as after:
        browser = after.client()
        for name, value in held.items():
            browser.cookies.set(name, value, domain="127.0.0.1", path="/")
        assert browser.get("/get-session").json()["user"]["email"] == EMAIL
        assert browser.post("/refresh").status_code == 200
        assert browser.get("/get-session").json()["user"]["email"] == EMAIL
        assert len(browser.get("/list-sessions").json()) == 1


@pytest.mark.parametrize("strategy", SIGNED)
def test_a_cookie_that_no_browser_would_keep_leaves_nothing_half_set(
    start: Callable[..., Live], strategy: str
) -> None:
    """Roles have a ceiling below it; a long name of the audience can still go above."""
    live = start(strategy)
    account = live.browser().get("/get-session").json()["user"]["id"]
    live.run(live.auth.set_roles(account, [f"{one:0>60}" for one in range(31)]))
    answer = live.client().post("/sign-in/email", json=ACCOUNT)
    assert answer.status_code == 200
    pairs = [line.partition(";")[0] for line in answer.headers.get_list("set-cookie")]
    assert 2_048 < max(map(len, pairs)) < 4_096

    too_long = start(strategy, audience="a" * 3_500).client().post("/sign-up/email", json=SIGN_UP)
    assert (too_long.status_code, too_long.content) == (500, b"")
    assert set_names(too_long) == []


@pytest.mark.proves("attack:74")
@pytest.mark.parametrize("strategy", SIGNED)
@pytest.mark.parametrize("ahead", [-DEFAULT_LEEWAY + 1_000, DEFAULT_LEEWAY - 1_000, 30_000])
def test_a_second_server_with_another_clock_signs_nobody_out(
    start: Callable[..., Live], strategy: str, ahead: int
) -> None:
    """Within the tolerance it accepts; beyond it refuses for a while and forgets nothing."""
    now = round(time.time() * 1000)
    first = start(strategy, clock=FrozenClock(now + ahead))
    database = f"sqlite+aiosqlite:///{first.database}"
    second = start(strategy, clock=FrozenClock(now), database=database)
    browser = first.browser()
    elsewhere = second.copy_of(browser)
    answer = elsewhere.get("/get-session")
    assert answer.status_code == 200
    assert (answer.json() is not None) is (ahead < DEFAULT_LEEWAY)
    assert "Max-Age=0" not in "".join(answer.headers.get_list("set-cookie"))
    assert browser.get("/get-session").json()["user"]["email"] == EMAIL
    assert elsewhere.post("/refresh").status_code == 200
    assert browser.get("/get-session").json()["user"]["email"] == EMAIL


@pytest.mark.proves("attack:93")
@pytest.mark.parametrize("strategy", SIGNED)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("next-router-prefetch", "1"),
        ("rsc", "1"),
        ("purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
    ],
)
def test_what_is_loaded_ahead_of_the_person_spends_nothing(
    start: Callable[..., Live], strategy: str, name: str, value: str
) -> None:
    clock = FrozenClock()
    live = start(strategy, clock=clock)
    browser = live.browser()
    before = dict(browser.cookies)
    clock.advance(400_000)
    for _ in range(3):
        answer = browser.get("/get-session", headers={name: value})
        assert answer.json()["user"]["email"] == EMAIL
        assert set_names(answer) == []
    assert dict(browser.cookies) == before
    clock.advance(60_000)
    assert browser.post("/refresh").status_code == 200


@pytest.mark.proves("asvs:4.1.3", "asvs:7.2.1", "oauth:15", "attack:93")
@pytest.mark.parametrize(
    "value", ["middleware", "src/middleware:" * 5 + "src/middleware", "pages/_middleware"]
)
def test_a_header_that_passes_a_middleware_by_opens_nothing_here(shared: Live, value: str) -> None:
    """A front end may be talked out of its guard (CVE-2025-29927); the API decides by itself."""
    header = {"x-middleware-subrequest": value}
    for endpoint in endpoints_of(shared.auth):
        if endpoint.session:
            for stranger in (shared.client(), shared.client(Cookie="better-auth.session_token=x")):
                answer = stranger.request(
                    endpoint.method, endpoint.path, headers=header, json=_filled(endpoint)
                )
                assert (endpoint.path, answer.status_code) == (endpoint.path, 401)


def _filled(endpoint: object) -> dict[str, object] | None:
    """Return a body that passes the members' check, so that who asks is what refuses."""
    body = getattr(endpoint, "body", None)
    if body is None:
        return None
    samples = {"email": "eve@example.org", "boolean": True}
    return {one.name: samples.get(one.kind, "text") for one in body.fields if one.required}


@pytest.mark.proves("asvs:3.7.2", "oauth:2")
@pytest.mark.parametrize("member", TARGETS)
def test_no_endpoint_sends_anybody_to_a_foreign_page(shared: Live, member: str) -> None:
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"):
        for endpoint in endpoints_of(shared.auth):
            path = endpoint.path.replace(":token", "x").replace(":id", "x")
            if endpoint.method == "POST":
                answer = shared.client().post(path, json={member: target})
                assert answer.status_code in (403, 415), path
            answer = shared.client().request(endpoint.method, path, params={member: target})
            assert "evil" not in answer.headers.get("location", ""), path
            assert "javascript:" not in answer.headers.get("location", ""), path


# -- a page of another site, in a browser

FORMS = """<!doctype html><meta charset="utf-8">
<form id="out" method="post" action="{api}/sign-out"></form>
<form id="text" method="post" action="{api}/sign-out" enctype="text/plain">
<input name='{{"a":"' value='"}}'></form>
<form id="in" method="post" action="{api}/sign-in/email">
<input name="email" value="eve@example.org"><input name="password" value="{password}"></form>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    with chromium() as opened:
        yield opened


@pytest.mark.proves("asvs:3.5.1", "nist:7")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_forms_of_another_origin_neither_sign_out_nor_in(
    start: Callable[..., Live], browser: Browser, strategy: str
) -> None:
    """From the same site on another port, where cookies go along, and from another site.

    There a form comes without cookies, and its answer must not expire any either.
    """
    live = start(strategy)
    assert live.client().post(
        "/sign-up/email", json={"name": "Eve", "email": "eve@example.org", "password": PASSWORD}
    )
    forms = FORMS.format(api=live.api, password=PASSWORD)
    with contextlib.ExitStack() as stack:
        evil, _ = stack.enter_context(served(WithPages(_nothing, {"/": (HTML, forms)})))
        context = stack.enter_context(browser.new_context())
        for name, value in dict(live.browser().cookies).items():
            context.add_cookies(
                [{"name": name, "value": value, "url": live.url, "sameSite": "Lax"}]
            )
        held = context.cookies()
        for origin in (evil, evil.replace("127.0.0.1", "localhost")):
            for form in ("out", "text", "in"):
                page = context.new_page()
                page.goto(origin)
                with page.expect_response(f"{live.api}/**") as answered:
                    page.evaluate("(id) => document.getElementById(id).submit()", form)
                allowed = (403, 415) if origin == evil or form == "in" else (200, 403, 415)
                assert answered.value.status in allowed
                assert context.cookies() == held
        page = context.new_page()
        page.goto(f"{live.api}/get-session")
        assert EMAIL in page.content()


async def _nothing(scope: dict[str, object], receive: object, send: object) -> None:
    """Answer nothing but the start and stop of the server."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()  # type: ignore[operator]
            await send({"type": f"{message['type']}.complete"})  # type: ignore[operator]

"""Which pages may act with a browser's cookies, and where a sign-in may lead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from live import NAME, PASSWORD, Live, serve
from pages import chromium

from limen import UsernamePolicy
from limen.social import google

FOREIGN = "https://evil.example"
MISSING = {"message": "Missing or null Origin", "code": "MISSING_OR_NULL_ORIGIN"}
INVALID = {"message": "Invalid origin", "code": "INVALID_ORIGIN"}
BLOCKED = {
    "message": "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
    "code": "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
}
WRONG = {"email": "nobody@example.org", "password": PASSWORD}
CHANGING = (
    "/sign-up/email",
    "/sign-in/email",
    "/sign-out",
    "/get-session",
    "/refresh",
    "/revoke-session",
    "/revoke-sessions",
    "/revoke-other-sessions",
    "/change-password",
    "/update-user",
)


@pytest.mark.proves("asvs:3.5.1", "nist:7")
@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, MISSING),
        ({"Origin": "null"}, MISSING),
        ({"Origin": "null", "Referer": "{own}/page"}, MISSING),
        ({"Origin": FOREIGN}, INVALID),
        ({"Origin": "{own}.evil.example"}, INVALID),
        ({"Origin": FOREIGN, "Referer": "{own}/page"}, INVALID),
        ({"Referer": f"{FOREIGN}/page"}, INVALID),
    ],
)
def test_with_any_cookie_a_foreign_page_changes_nothing(
    shared: Live, path: str, headers: dict[str, str], expected: dict[str, str]
) -> None:
    sent = {name: value.replace("{own}", shared.url) for name, value in headers.items()}
    page = shared.client(origin=False, Cookie="theme=dark", **sent)
    answer = page.post(path, json={})
    assert (answer.status_code, answer.json()) == (403, expected)


@pytest.mark.parametrize("name", ["Origin", "Referer"])
def test_a_page_of_ours_may_act_with_cookies(shared: Live, name: str) -> None:
    value = shared.url + ("/page" if name == "Referer" else "")
    page = shared.client(origin=False, Cookie="theme=dark", **{name: value})
    assert page.post("/sign-in/email", json=WRONG).status_code == 401


@pytest.mark.proves("asvs:3.5.1")
def test_a_foreign_page_signs_nobody_out(shared: Live) -> None:
    browser = shared.browser("victim@example.org")
    answer = browser.post("/sign-out", json={}, headers={"Origin": FOREIGN})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert browser.get("/get-session").json() is not None


@pytest.mark.proves("asvs:3.7.5")
@pytest.mark.parametrize("path", ["/sign-in/email", "/sign-up/email"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, BLOCKED),
        (
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Origin": "{own}",
            },
            BLOCKED,
        ),
        ({"Sec-Fetch-Mode": "cors"}, MISSING),
        ({"Sec-Fetch-Site": "same-origin"}, MISSING),
        ({"Sec-Fetch-Dest": "empty"}, MISSING),
        ({"Sec-Fetch-Mode": "cors", "Origin": FOREIGN}, INVALID),
        ({"Sec-Fetch-Mode": "cors", "Origin": "{own}"}, None),
        ({"Origin": FOREIGN}, INVALID),
        ({"Referer": f"{FOREIGN}/x"}, INVALID),
        ({"Origin": "{own}"}, None),
        ({}, None),
    ],
)
def test_a_sign_in_without_cookies_is_judged_by_what_the_browser_says(
    shared: Live, path: str, headers: dict[str, str], expected: dict[str, str] | None
) -> None:
    sent = {name: value.replace("{own}", shared.url) for name, value in headers.items()}
    page = shared.client(origin=False, **sent)
    # With a password that is too short, so that the sign-up goes no further either.
    answer = page.post(path, json={"name": NAME, "email": "x@example.org", "password": "short"})
    if expected is None:
        assert answer.status_code in (400, 401)
    else:
        assert (answer.status_code, answer.json()) == (403, expected)


@pytest.fixture(scope="module")
def every_door(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give a service with every way to sign in."""
    doors = {"usernames": UsernamePolicy(enabled=True), "providers": [google("id", "secret")]}
    with serve(template, tmp_path_factory.mktemp("doors"), "session", **doors) as live:
        yield live


SIGNING_IN = ("/sign-in/email", "/sign-up/email", "/sign-in/username", "/sign-in/social")


@pytest.mark.parametrize("path", SIGNING_IN)
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Sec-Fetch-Mode": "cors"}, None),  # Node.js
        ({"Sec-Fetch-Mode": "cors", "Origin": FOREIGN}, INVALID),
        ({"Sec-Fetch-Mode": "cors", "Referer": f"{FOREIGN}/x"}, INVALID),
        ({"Sec-Fetch-Mode": "cors", "Origin": "null"}, MISSING),
        ({"Sec-Fetch-Mode": "cors", "Cookie": "theme=dark"}, MISSING),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}, MISSING),
        ({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}, BLOCKED),
        ({"Sec-Fetch-Mode": "cors", "x-limen-carrier": "cookie"}, MISSING),
    ],
)
def test_a_program_that_wants_a_bearer_is_asked_for_no_origin(
    every_door: Live, path: str, headers: dict[str, str], expected: dict[str, str] | None
) -> None:
    program = every_door.client(origin=False, **{"x-limen-carrier": "bearer", **headers})
    body = {"name": NAME, "email": "x@example.org", "username": "x", "password": "short"}
    answer = program.post(path, json={**body, "provider": "none"})
    if expected is None:
        assert answer.status_code in (400, 401, 404, 422), answer.text
    else:
        assert (answer.status_code, answer.json()) == (403, expected)


@pytest.mark.proves("asvs:3.5.8", "asvs:3.5.1")
def test_a_foreign_page_cannot_claim_to_be_a_program(shared: Live, tmp_path: Path) -> None:
    """Its browser asks before it sends the header, and names the page when it does not ask."""
    person = shared.browser("victim-of-a-page@example.org")
    victim = {"email": "victim-of-a-page@example.org", "password": PASSWORD}
    script = """async ([url, body, mode]) => {
      const headers = {"content-type": "application/json", "x-limen-carrier": "bearer"};
      const init = {method: "POST", mode, headers, body: JSON.stringify(body)};
      if (mode === "no-cors") delete headers["content-type"];
      return fetch(url, init).then((one) => `${one.type} ${one.status}`, () => "failed");
    }"""
    (tmp_path / "index.html").write_text("<p>evil")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as evil, chromium() as browser:
        threading.Thread(target=evil.serve_forever).start()
        try:
            page = browser.new_page()
            failures: list[str] = []
            page.on("requestfailed", lambda one: failures.append(one.failure or ""))
            page.goto(f"http://localhost:{evil.server_port}/")
            said = [
                page.evaluate(script, [f"{shared.api}/sign-in/email", victim, mode])
                for mode in ("cors", "no-cors")
            ]
            assert page.context.cookies(shared.url) == []
        finally:
            evil.shutdown()
    assert said == ["failed", "failed"]
    # What is sent without asking is answered, and the browser keeps even that from the page.
    assert any("BLOCKED_BY_RESPONSE" in one for one in failures), failures
    assert len(person.get("/list-sessions").json()) == 1


def test_a_bearer_without_cookies_is_not_asked_for_an_origin(shared: Live) -> None:
    app, _ = shared.app("bearer@example.org")
    assert app.post("/update-user", json={"name": "B"}).status_code == 200
    answer = app.post("/update-user", json={"name": "B"}, headers={"Cookie": "theme=dark"})
    assert answer.json() == MISSING


def test_trusted_origins_may_act(start: Callable[..., Live]) -> None:
    live = start(
        base_url="http://127.0.0.1:1", trusted_origins=["https://app.example", "*.shop.example"]
    )
    page = live.client(origin=False, Cookie="theme=dark")
    for origin, status in (
        ("https://app.example", 401),
        ("https://a.b.shop.example", 401),
        ("http://127.0.0.1:1", 401),
        ("http://app.example", 403),
        ("https://app.example:8443", 403),
        ("https://shop.example", 403),
        (live.url, 403),  # what the request says of itself counts for nothing now
    ):
        answer = page.post("/sign-in/email", json=WRONG, headers={"Origin": origin})
        assert (origin, answer.status_code) == (origin, status)


TARGETS = {
    "callbackURL": ("INVALID_CALLBACK_URL", "Invalid callbackURL"),
    "redirectTo": ("INVALID_REDIRECT_URL", "Invalid redirectURL"),
    "errorCallbackURL": ("INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL"),
    "newUserCallbackURL": ("INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL"),
}


@pytest.mark.proves("asvs:3.7.2", "oauth:2")
@pytest.mark.parametrize("member", TARGETS)
@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "/%2fevil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a b",
        "/a#b",
        "/a\nSet-Cookie: x=1",
        "\\/evil.example",
    ],
)
def test_a_sign_in_leads_nowhere_foreign(shared: Live, member: str, target: str) -> None:
    answer = shared.client().post("/sign-in/email", json={**WRONG, member: target})
    code, message = TARGETS[member]
    assert (answer.status_code, answer.json()) == (403, {"message": message, "code": code})
    assert "location" not in answer.headers


@pytest.mark.parametrize("member", TARGETS)
def test_a_target_is_a_text(shared: Live, member: str) -> None:
    answer = shared.client().post("/sign-in/email", json={**WRONG, member: ["/"]})
    label = "redirectURL" if member == "redirectTo" else member
    assert answer.status_code == 400
    assert answer.json() == {"message": f"Invalid {label}: expected a string"}


def test_a_target_in_the_query_is_judged_too(shared: Live) -> None:
    client = shared.client()
    answer = client.post("/sign-in/email?callbackURL=//evil.example", json=WRONG)
    assert answer.json()["code"] == "INVALID_CALLBACK_URL"
    answer = client.post("/sign-in/email?callbackURL=/a&callbackURL=/b", json=WRONG)
    assert answer.json() == {"message": "Invalid callbackURL: expected a string"}


def test_a_sign_in_may_lead_to_a_page_of_ours(shared: Live) -> None:
    browser = shared.browser("target@example.org")
    body = {"email": "target@example.org", "password": PASSWORD, "callbackURL": "/home?a=1"}
    answer = browser.post("/sign-in/email", json=body)
    assert answer.status_code == 200
    assert answer.headers["location"] == "/home?a=1"
    assert list(answer.json()) == ["redirect", "token", "url", "user"]
    assert (answer.json()["redirect"], answer.json()["url"]) == (True, "/home?a=1")

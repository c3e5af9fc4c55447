"""What a body may be, and the exact words for what it may not."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from live import NAME, PASSWORD, Live

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
BAD_JSON = {"message": "Invalid JSON in request body", "code": "BAD_REQUEST"}
BAD_FORM = {"message": "Invalid form in request body", "code": "BAD_REQUEST"}


def validation(*issues: str) -> dict[str, str]:
    return {"message": "; ".join(issues), "code": "VALIDATION_ERROR"}


def post(live: Live, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    return live.client(origin=False).post(path, content=content, headers=headers)


MISSING = "Invalid input: expected string, received undefined"
SIGN_UP = {"name": NAME, "email": "body@example.org", "password": PASSWORD}


@pytest.mark.proves("asvs:2.2.2", "asvs:15.3.5")
@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            "/sign-up/email",
            {},
            validation(*(f"[body.{name}] {MISSING}" for name in ("name", "email", "password"))),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"email": "nobody"},
            validation("[body.email] Invalid email address"),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"email": " body@example.org"},
            validation("[body.email] Invalid email address"),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"password": ""},
            validation("[body.password] Too small: expected string to have >=1 characters"),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"name": "x" * 257},
            validation("[body.name] Too big: expected string to have <=256 characters"),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"image": None},
            validation("[body.image] Invalid input: expected string, received null"),
        ),
        (
            "/sign-up/email",
            SIGN_UP | {"rememberMe": "yes"},
            validation("[body.rememberMe] Invalid input: expected boolean, received string"),
        ),
        (
            "/sign-in/email",
            {"email": 5, "password": ["x"]},
            validation(
                "[body.email] Invalid input: expected string, received number",
                "[body.password] Invalid input: expected string, received array",
            ),
        ),
        (
            "/sign-in/email",
            {"email": {}, "password": True},
            validation(
                "[body.email] Invalid input: expected string, received object",
                "[body.password] Invalid input: expected string, received boolean",
            ),
        ),
        (
            "/sign-in/email",
            [],
            validation("[body] Invalid input: expected object, received array"),
        ),
        (
            "/sign-in/email",
            None,
            validation("[body] Invalid input: expected object, received null"),
        ),
        (
            "/sign-in/email",
            "x",
            validation("[body] Invalid input: expected object, received string"),
        ),
        # A body is judged before the missing session is.
        ("/revoke-session", {}, validation(f"[body.token] {MISSING}")),
        (
            "/change-password",
            {"newPassword": 1, "currentPassword": "x", "revokeOtherSessions": 0},
            validation(
                "[body.newPassword] Invalid input: expected string, received number",
                "[body.revokeOtherSessions] Invalid input: expected boolean, received number",
            ),
        ),
        (
            "/refresh",
            {"refreshToken": 7},
            validation("[body.refreshToken] Invalid input: expected string, received number"),
        ),
        (
            "/sign-out",
            {"disableRedirect": "no"},
            validation("[body.disableRedirect] Invalid input: expected boolean, received string"),
        ),
        (
            "/update-user",
            {"name": None},
            validation("[body.name] Invalid input: expected string, received null"),
        ),
    ],
)
def test_every_member_that_does_not_fit_is_named(
    shared: Live, path: str, body: Any, expected: dict[str, str]
) -> None:
    answer = post(shared, path, json.dumps(body).encode(), JSON)
    assert (answer.status_code, answer.json()) == (400, expected)
    assert list(answer.json()) == ["message", "code"]


def test_no_body_where_one_is_needed(shared: Live) -> None:
    answer = post(shared, "/sign-in/email", b"", {})
    expected = validation("[body] Invalid input: expected object, received undefined")
    assert (answer.status_code, answer.json()) == (400, expected)


@pytest.mark.parametrize("path", ["/sign-out", "/get-session"])
@pytest.mark.parametrize("content", [b"", b"{}"])
def test_no_body_where_none_is_needed(shared: Live, path: str, content: bytes) -> None:
    assert post(shared, path, content, JSON).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"nonsense",
        b'{"email":"a@b.cd","password":"x"',
        b'{"email":"a@b.cd","email":"e@b.cd","password":"x"}',
        b'{"email":NaN,"password":Infinity}',
        b'{"email":"\\ud800","password":"x"}',
        b'{"email":"a\\u0000@b.cd","password":"x"}',
        b'{"email":"a\x00","password":"x"}',
        b"\xff\xfe{\x00}\x00",
        b'{"email":"\xff"}',
        b'\xef\xbb\xbf{"email":"a@b.cd","password":"x"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[" * 17 + b"]" * 17,
        b"9" * 5_000,
        b'{"email":"a@b.cd","password":"x"} {}',
    ],
)
def test_what_does_not_parse_is_a_bad_request(shared: Live, content: bytes) -> None:
    answer = post(shared, "/sign-in/email", content or b" ", JSON)
    assert (answer.status_code, answer.json()) == (400, BAD_JSON)


def test_brackets_inside_a_text_are_no_nesting(shared: Live) -> None:
    body = {"email": "nest@example.org", "password": '"[{' * 40, "name": "[" * 100}
    answer = shared.client().post("/sign-up/email", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.proves("attack:57")
@pytest.mark.parametrize("size", [65_536, 65_537])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_has_a_limit(shared: Live, size: int, *, streamed: bool) -> None:
    content = json.dumps({"email": "a@b.cd", "password": ""}).encode()
    content = content[:-2] + b"x" * (size - len(content)) + b'"}'
    sent: Any = iter([content[:40_000], content[40_000:]]) if streamed else content
    answer = shared.client().post("/sign-in/email", content=sent, headers=JSON)
    if size <= 65_536:
        assert answer.status_code == 401
    else:
        expected = {"message": "Request body is too large", "code": "PAYLOAD_TOO_LARGE"}
        assert (answer.status_code, answer.json()) == (413, expected)


@pytest.mark.proves("asvs:3.5.2")
@pytest.mark.parametrize(
    ("path", "stated", "allowed"),
    [
        ("/sign-out", "text/plain", "application/json"),
        ("/sign-out", "application/x-www-form-urlencoded", "application/json"),
        ("/revoke-sessions", "multipart/form-data; boundary=x", "application/json"),
        ("/sign-in/email", "text/xml", "application/json, application/x-www-form-urlencoded"),
    ],
)
def test_a_body_of_another_type_is_refused(
    shared: Live, path: str, stated: str, allowed: str
) -> None:
    answer = post(shared, path, b"{}", {"content-type": stated})
    message = f'Content-Type "{stated}" is not allowed. Allowed types: {allowed}'
    assert answer.status_code == 415
    assert answer.json() == {"message": message, "code": "UNSUPPORTED_MEDIA_TYPE"}


@pytest.mark.proves("asvs:3.5.2")
def test_a_body_of_no_type_is_refused(shared: Live) -> None:
    answer = post(shared, "/sign-out", b"{}", {})
    message = "Content-Type is required. Allowed types: application/json"
    assert answer.status_code == 415
    assert answer.json() == {"message": message, "code": "UNSUPPORTED_MEDIA_TYPE"}


def test_parameters_and_case_of_the_type_do_not_matter(shared: Live) -> None:
    stated = {"content-type": "Application/JSON; charset=utf-8"}
    assert post(shared, "/sign-out", b"{}", stated).status_code == 200


def test_a_form_may_sign_up_and_in(shared: Live) -> None:
    form = {"name": NAME, "email": "form@example.org", "password": PASSWORD}
    browser = shared.client()
    assert browser.post("/sign-up/email", data=form).status_code == 200
    assert browser.post("/sign-in/email", data=form).status_code == 200
    for word, status in (("true", 200), ("false", 200), ("on", 400)):
        answer = browser.post("/sign-in/email", data={**form, "rememberMe": word})
        assert answer.status_code == status, word


@pytest.mark.parametrize(
    "content",
    [
        b"email=a@b.cd&email=e@b.cd&password=x",
        b"email=%ff&password=x",
        b"email=%00&password=x",
        b"email=\xff",
        b"&".join(b"f%d=x" % number for number in range(65)),
    ],
)
def test_a_form_that_does_not_parse_is_a_bad_request(shared: Live, content: bytes) -> None:
    answer = post(shared, "/sign-in/email", content, FORM)
    assert (answer.status_code, answer.json()) == (400, BAD_FORM)


@pytest.mark.proves("asvs:15.3.3")
def test_unknown_members_are_dropped(shared: Live) -> None:
    body = SIGN_UP | {"email": "extra@example.org", "emailVerified": True, "id": "1", "role": "x"}
    user = shared.client().post("/sign-up/email", json=body).json()["user"]
    assert user["emailVerified"] is False
    assert user["id"].startswith("usr_")
    assert "role" not in user


@pytest.mark.proves("asvs:2.2.2")
def test_nothing_is_written_for_a_body_that_is_refused(shared: Live) -> None:
    before = len(shared.run(shared.auth.accounts(1_000)))
    for content in (b"{", json.dumps(SIGN_UP | {"name": 1}).encode(), b'{"name":"\\udfff"}'):
        assert post(shared, "/sign-up/email", content, JSON).status_code == 400
    assert len(shared.run(shared.auth.accounts(1_000))) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ok/"),
        ("GET", "//ok"),
        ("GET", "/OK"),
        ("GET", "/o%6b"),
        ("POST", "/sign-in%2Femail"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/../auth/ok/x"),
        ("GET", "/get-session/x"),
    ],
)
def test_what_is_no_endpoint_is_not_found_and_says_nothing(
    shared: Live, method: str, path: str
) -> None:
    # A target as it is: httpx would tidy it up.
    host, port = shared.url.removeprefix("http://").split(":")
    answer = raw(host, int(port), f"{method} /api/auth{path} HTTP/1.1")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert body == b""


@pytest.mark.proves("asvs:4.1.4")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/sign-in/email", b"POST"),
        ("PUT", "/sign-in/email", b"POST"),
        ("HEAD", "/ok", b"GET"),
        ("POST", "/ok", b"GET"),
        ("OPTIONS", "/get-session", b"GET, POST"),
        ("TRACE", "/get-session", b"GET, POST"),
        ("DELETE", "/reset-password/x", b"GET"),
    ],
)
def test_a_method_that_an_endpoint_has_not_is_told_which_it_has(
    shared: Live, method: str, path: str, allowed: bytes
) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    answer = raw(host, int(port), f"{method} /api/auth{path} HTTP/1.1")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"allow: " + allowed + b"\r\n" in head + b"\r\n"
    assert body == b""


def test_elsewhere_there_is_nothing(shared: Live) -> None:
    with httpx.Client(base_url=shared.url, verify=False) as client:
        for path in ("/", "/api", "/api/auth", "/api/authx/ok", "/ok", "/API/AUTH/ok"):
            answer = client.get(path)
            assert (answer.status_code, answer.content) == (404, b"")


def raw(host: str, port: int, line: str) -> bytes:
    import socket

    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(f"{line}\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    return received

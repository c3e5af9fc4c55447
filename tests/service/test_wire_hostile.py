"""Whatever a stranger sends, the answer is a refusal: never a fault, never a way in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import STRATEGIES, Live, serve

NONE_ALG = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsInNpZCI6InNlc18xIn0."
CREDENTIALS = [
    "x",
    "null",
    "undefined",
    "[object Object]",
    "lms_",
    "lms_" + "A" * 42,
    "lms_" + "A" * 43,
    "lms_" + "A" * 44,
    "lms_" + "=" * 43,
    "lmr_" + "A" * 43,
    "LMS_" + "A" * 43,
    "ses_" + "A" * 22,
    "eyJ",
    "..",
    "a.b.c",
    "ey.ey.ey",
    "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
    NONE_ALG,
    "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30.c2ln",
    "eyJhbGciOiJFZERTQSIsImtpZCI6IicgT1IgMT0xIC0tIn0.e30.c2ln",
    "ey" + "A" * 9_000,
    "%00",
    "%2e%2e%2f",
    "' OR '1'='1",
    '"quoted"',
    "a=b=c",
    "lms_%41%41",
    "\x7f",
    "\xe9\xfc",
    "🙂",
]
READING = ("/get-session", "/list-sessions", "/token")
CHANGING: dict[str, dict[str, Any]] = {
    "/get-session": {},
    "/refresh": {},
    "/revoke-session": {"token": "ses_x"},
    "/revoke-sessions": {},
    "/revoke-other-sessions": {},
    "/change-password": {"currentPassword": "x", "newPassword": "y"},
    "/update-user": {"name": "x"},
    "/sign-out": {},
}


@pytest.fixture(scope="module", params=STRATEGIES)
def target(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    with serve(template, tmp_path_factory.mktemp("target"), request.param) as live:
        live.browser()
        yield live


@pytest.fixture(scope="module")
def signed_in(target: Live) -> httpx.Client:
    return target.browser("owner@example.org")


def judge(answer: httpx.Response, path: str) -> None:
    """Nobody is let in: `null` from get-session, success from sign-out, else a 4xx."""
    if answer.status_code == 200:
        assert (path, answer.text) in (
            ("/get-session", "null"),
            ("/sign-out", '{"success":true}'),
        )
    else:
        assert answer.status_code in (400, 401, 403)
    for line in answer.headers.get_list("set-cookie"):
        assert "=; Max-Age=0;" in line


def tried(live: Live, headers: list[tuple[bytes, bytes]]) -> None:
    with httpx.Client(base_url=live.api, timeout=20, verify=False) as client:
        origin = [(b"origin", live.url.encode())]
        for path in READING:
            judge(client.get(path, headers=headers), path)
        for path, body in CHANGING.items():
            judge(client.post(path, headers=headers + origin, json=body), path)


@pytest.mark.parametrize("name", ["session_token", "refresh_token"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_made_up_cookie_lets_anybody_in(target: Live, name: str, credential: str) -> None:
    value = credential.encode()
    tried(target, [(b"cookie", b"better-auth." + name.encode() + b"=" + value)])


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_made_up_bearer_lets_anybody_in(target: Live, credential: str) -> None:
    tried(target, [(b"authorization", b"Bearer " + credential.encode())])


@pytest.mark.parametrize(
    "headers",
    [
        [(b"cookie", b"better-auth.session_token")],
        [(b"cookie", b"=x; ;;; =; a=b;")],
        [(b"cookie", b"better-auth.session_token=a; better-auth.session_token=b")],
        [(b"cookie", b"better-auth.session_token=a"), (b"cookie", b"better-auth.session_token=b")],
        [(b"cookie", b"; ".join([b"n=v"] * 2_000))],
        [(b"cookie", b"better-auth.session_token=" + b"A" * 20_000)],
        [(b"authorization", b"Basic eDp5")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer a b")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"authorization", b"Bearer a, Bearer b")],
        [(b"host", b"")],
        [(b"host", b"[")],
        [(b"origin", b"http://[")],
        [(b"origin", b"http://x:99999")],
        [(b"content-type", b"\xff\xfe")],
        [(b"user-agent", b"\xff" * 2_000)],
        [(b"x-limen-carrier", b"\xff")],
    ],
)
def test_no_odd_header_lets_anybody_in(target: Live, headers: list[tuple[bytes, bytes]]) -> None:
    with httpx.Client(base_url=target.api, timeout=20, verify=False) as client:
        for path in READING:
            answer = client.get(path, headers=headers)
            assert answer.status_code < 500
            assert answer.status_code != 200 or answer.text == "null"
        for path, body in CHANGING.items():
            sent = (
                headers
                if any(name == b"content-type" for name, _ in headers)
                else [
                    *headers,
                    (b"content-type", b"application/json"),
                ]
            )
            answer = client.post(path, headers=sent, content=json.dumps(body))
            assert answer.status_code < 500
            assert answer.status_code != 200 or path in ("/get-session", "/sign-out")


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_made_up_refresh_token_is_traded(target: Live, credential: str) -> None:
    answer = target.client(origin=False).post("/refresh", json={"refreshToken": credential})
    assert answer.status_code == 401


@pytest.mark.parametrize("handle", [*CREDENTIALS, "", "x" * 60_000])
def test_no_made_up_handle_ends_anything(signed_in: httpx.Client, handle: str) -> None:
    answer = signed_in.post("/revoke-session", json={"token": handle})
    assert (answer.status_code, answer.json()) == (200, {"status": True})
    assert len(signed_in.get("/list-sessions").json()) == 1


TEXTS = st.text(max_size=40) | st.sampled_from(["ada@example.org", "\0", "\ud800", "a" * 300])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["name", "email", "password", "image", "rememberMe", "callbackURL", "token", "refreshToken"]
)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    path=st.sampled_from(["/sign-up/email", "/sign-in/email", *CHANGING]),
    body=st.dictionaries(NAMES, VALUES, max_size=6) | VALUES,
)
def test_no_json_is_a_fault(shared: Live, path: str, body: object) -> None:
    content = json.dumps(body).encode()
    with httpx.Client(base_url=shared.api, timeout=20, verify=False) as client:
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code < 500
    assert answer.status_code != 200 or path in ("/get-session", "/sign-out", "/sign-up/email")


def test_nothing_that_a_client_sends_is_logged_as_a_fault(
    target: Live, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for credential in CREDENTIALS[:8]:
            tried(target, [(b"authorization", b"Bearer " + credential.encode())])
    assert [record for record in caplog.records if record.name.startswith("limen")] == []

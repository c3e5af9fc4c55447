"""Requests that say more than they may, or say it twice, change nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from limens import QUICK
from live import EMAIL, NAME, PASSWORD, Live

from limen import BlockingLimen, Budget, Refused
from limen.service.better_auth.routes import endpoints_of
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

TEN_YEARS = 10 * 366 * 86_400_000


@pytest.mark.proves("asvs:15.3.3")
def test_nobody_gives_themselves_what_only_the_server_gives(shared: Live) -> None:
    wanted = {
        "id": "usr_chosen",
        "roles": ["admin"],
        "role": "admin",
        "isAdmin": True,
        "emailVerified": True,
        "disabled": False,
        "createdAt": "2001-01-01T00:00:00.000Z",
    }
    browser = shared.client()
    body = {"name": NAME, "email": "assign@example.org", "password": PASSWORD, **wanted}
    made = browser.post("/sign-up/email", json=body).json()["user"]
    assert made["id"] != "usr_chosen"
    assert made["emailVerified"] is False
    assert browser.post("/update-user", json={"name": "Other", **wanted}).status_code == 200
    account = shared.run(shared.auth.account(made["id"]))
    assert account is not None
    assert (account.name, account.roles, account.email_verified) == ("Other", frozenset(), False)
    assert account.created_at > 1_700_000_000_000


@pytest.mark.proves("asvs:15.3.7")
def test_a_parameter_that_comes_twice_counts_as_none(shared: Live) -> None:
    client = shared.client()
    one = client.get("/error", params={"error": "first"})
    both = client.get("/error?error=first&error=second")
    assert "first" in one.text
    assert "first" not in both.text
    assert "second" not in both.text
    assert "UNKNOWN" in both.text


@pytest.mark.proves("asvs:15.3.7", "asvs:15.3.5", "asvs:2.2.2")
@pytest.mark.parametrize(
    "body",
    [
        b'{"email":"a@example.org","password":"%s","password":"%s"}',
        b'{"email":{"$ne":null},"password":"%s"}',
        b'{"email":"a@example.org","password":["%s"]}',
        b'{"email":["a@example.org","b@example.org"],"password":"%s"}',
        b'{"email":"a@example.org","password":1e400}',
    ],
)
def test_a_member_that_comes_twice_or_in_another_shape_is_refused(
    shared: Live, body: bytes
) -> None:
    sent = body.replace(b"%s", PASSWORD.encode())
    json = {"content-type": "application/json"}
    answer = shared.client().post("/sign-in/email", content=sent, headers=json)
    assert answer.status_code == 400


@pytest.mark.proves("asvs:3.5.3", "asvs:4.1.4")
def test_only_the_methods_of_an_endpoint_are_answered(shared: Live) -> None:
    browser = shared.browser("methods@example.org")
    served = {(one.method, one.path.replace("{token}", "x")) for one in endpoints_of(shared.auth)}
    changing = {path for method, path in served if method == "POST"}
    for path in sorted(changing):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"):
            if (method, path) in served or (method == "HEAD" and ("GET", path) in served):
                continue
            assert browser.request(method, path).status_code in (404, 405), (method, path)
    override = {"x-http-method-override": "POST"}
    assert browser.get("/sign-out", headers=override).status_code == 405
    assert browser.get("/get-session").json() is not None


@pytest.mark.proves("asvs:15.3.4", "asvs:4.1.3", "oauth:15")
def test_a_made_up_address_has_no_budget_of_its_own(start: Callable[..., Live]) -> None:
    # This machine is no proxy here, or its word would be taken.
    live = start(
        "session",
        address_budget=Budget("sign-in:address", 2, 60_000),
        server={"forwarded_allow_ips": "192.0.2.1"},
    )
    client = live.client()
    statuses = [
        client.post(
            "/sign-in/email",
            json={"email": EMAIL, "password": "wrong" * 4},
            headers={name: f"203.0.113.{number}", "forwarded": f"for=198.51.100.{number}"},
        ).status_code
        for number, name in enumerate(("x-forwarded-for", "x-real-ip", "x-client-ip", "via"))
    ]
    assert statuses == [401, 401, 429, 429]


@pytest.mark.proves("asvs:4.2.1", "attack:63")
@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 40\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
def test_two_readings_of_the_length_of_a_request_are_none(shared: Live, framing: bytes) -> None:
    """The server that Limen brings along refuses, or reads one request and hangs up."""
    place = urlsplit(shared.url)
    hidden = b"GET /api/auth/ok HTTP/1.1\r\nHost: a\r\n\r\n"
    sent = (
        b"POST /api/auth/sign-out HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        + framing
        + b"\r\n0\r\n\r\n"
        + hidden
    )
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        answered = b""
        while piece := line.recv(65_536):
            answered += piece
    assert b'{"ok":true}' not in answered


@pytest.mark.proves("asvs:6.2.10")
def test_a_password_is_good_for_ever() -> None:
    clock = FrozenClock(1_800_000_000_000)
    with BlockingLimen("session", store=BlockingMemoryStore(), clock=clock, **QUICK) as auth:
        assert not isinstance(auth.sign_up(EMAIL, PASSWORD), Refused)
        clock.advance(TEN_YEARS)
        assert not isinstance(auth.sign_in(EMAIL, PASSWORD), Refused)


@pytest.mark.proves("asvs:6.3.2")
def test_nobody_has_an_account_from_the_start(start: Callable[..., Live]) -> None:
    live = start("session")
    assert live.run(live.auth.accounts()) == ()
    client = live.client()
    for name in ("root", "admin", "administrator", "sa", "test", "limen"):
        for password in ("admin", "password", "changeme", "limen", "12345678", name):
            body = {"email": f"{name}@localhost.example", "password": password}
            assert client.post("/sign-in/email", json=body).status_code == 401

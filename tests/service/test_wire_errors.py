"""The table of errors, and that nobody learns from it who has an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live import EMAIL, NAME, PASSWORD, Live

from limen.phase import Phase
from limen.trace import RingSink

ACCOUNT = {"email": EMAIL, "password": PASSWORD}
BAD = {"message": "Invalid email or password", "code": "INVALID_EMAIL_OR_PASSWORD"}
UNAUTHORIZED = {"message": "Unauthorized", "code": "UNAUTHORIZED"}


@pytest.mark.parametrize(
    ("path", "body", "status", "message", "code"),
    [
        ("sign-up", {"password": "7 chars"}, 400, "Password too short", "PASSWORD_TOO_SHORT"),
        ("sign-up", {"password": "x" * 129}, 400, "Password too long", "PASSWORD_TOO_LONG"),
        (
            "sign-up",
            {"password": "password123"},
            400,
            "Password is too common",
            "PASSWORD_TOO_COMMON",
        ),
        (
            "sign-up",
            {"email": EMAIL.upper()},
            422,
            "User already exists. Use another email.",
            "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
        ),
        ("sign-in", {"email": "nobody"}, 400, "Invalid email", "INVALID_EMAIL"),
        ("sign-in", {"password": "not the password"}, 401, *BAD.values()),
        ("change", {"newPassword": "7 chars"}, 400, "Password too short", "PASSWORD_TOO_SHORT"),
        ("change", {"currentPassword": "wrong"}, 400, "Invalid password", "INVALID_PASSWORD"),
        (
            "update",
            {"email": "new@example.org"},
            400,
            "Email can not be updated",
            "EMAIL_CAN_NOT_BE_UPDATED",
        ),
        ("update", {}, 400, "No fields to update", None),
        ("update", {"emailVerified": True}, 400, "No fields to update", None),
    ],
)
def test_the_table(
    live: Live, path: str, body: dict[str, Any], status: int, message: str, code: str | None
) -> None:
    browser = live.browser()
    url, base = {
        "sign-up": ("/sign-up/email", {"name": NAME, **ACCOUNT}),
        "sign-in": ("/sign-in/email", ACCOUNT),
        "change": (
            "/change-password",
            {"currentPassword": PASSWORD, "newPassword": "another good battery"},
        ),
        "update": ("/update-user", {}),
    }[path]
    answer = browser.post(url, json=base | body)
    expected = {"message": message} if code is None else {"message": message, "code": code}
    assert (answer.status_code, answer.json()) == (status, expected)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert ("www-authenticate" in answer.headers) is (status == 401)
    assert browser.get("/get-session").json() is not None


@pytest.mark.proves("asvs:11.2.5")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/list-sessions", None),
        ("POST", "/revoke-session", {"token": "ses_x"}),
        ("POST", "/revoke-sessions", {}),
        ("POST", "/revoke-other-sessions", {}),
        ("POST", "/change-password", {"currentPassword": "x", "newPassword": "y"}),
        ("POST", "/update-user", {"name": "x"}),
        ("GET", "/token", None),
    ],
)
def test_who_is_not_signed_in_is_told_so(
    shared: Live, method: str, path: str, body: dict[str, str] | None
) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}):
        client = shared.client(origin=False, **headers)
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.proves("asvs:6.3.8", "attack:68")
def test_unknown_wrong_and_disabled_are_told_the_same(live: Live) -> None:
    live.browser("gone@example.org")
    live.browser()
    disabled = live.run(live.auth.account_by_email("gone@example.org"))
    assert disabled is not None
    assert live.run(live.auth.disable(disabled.id)) is not None
    tries = (
        {"email": "nobody@example.org", "password": PASSWORD},
        {"email": EMAIL, "password": "not the password"},
        {"email": "gone@example.org", "password": PASSWORD},
        {"email": EMAIL, "password": "x" * 1_000},
        {"email": EMAIL, "password": ""},
    )
    answers = [live.client().post("/sign-in/email", json=body) for body in tries]
    told = {
        (
            answer.status_code,
            answer.text,
            tuple(pair for pair in answer.headers.items() if pair[0] != "date"),
        )
        for answer in answers
    }
    assert len(told) == 1
    assert answers[0].json() == BAD
    assert answers[0].status_code == 401


@pytest.mark.proves("asvs:7.4.2")
def test_disabling_an_account_signs_it_out(live: Live) -> None:
    browser = live.browser()
    subject = browser.get("/get-session").json()["user"]["id"]
    live.run(live.auth.disable(subject))
    assert browser.get("/get-session").json() is None
    assert live.client().post("/sign-in/email", json=ACCOUNT).status_code == 401


def test_a_service_that_keeps_nothing_has_only_what_needs_no_store(
    start: Callable[..., Live],
) -> None:
    from limen import Authentication, SignedIn

    live = start("jwt", refresh=None, database=None)
    client = live.client(origin=False)
    for path in ("/sign-up/email", "/sign-in/email", "/refresh", "/revoke-sessions"):
        answer = client.post(path, json={})
        assert (answer.status_code, answer.content) == (404, b"")
    assert client.get("/list-sessions").status_code == 404

    remembered = live.run(
        live.auth.remember(Authentication("somebody", live.auth.assembly.clock.now()))
    )
    assert isinstance(remembered, SignedIn)
    client.headers["Authorization"] = f"Bearer {remembered.issued.access.reveal()}"
    told = client.get("/get-session").json()
    assert told["user"] == {"id": "somebody"}
    assert told["session"]["userId"] == "somebody"
    assert told["session"]["ipAddress"] is None
    assert client.get("/token").status_code == 200
    assert client.post("/sign-out").json() == {"success": True}
    # Nothing can refuse the token before it expires, and nothing pretends to.
    assert client.get("/get-session").json() == told


def test_somebody_whose_account_is_kept_elsewhere_has_a_session_and_an_id(live: Live) -> None:
    from limen import Authentication, SignedIn

    remembered = live.run(
        live.auth.remember(Authentication("elsewhere-7", live.auth.assembly.clock.now()))
    )
    assert isinstance(remembered, SignedIn)
    client = live.client(origin=False, Authorization=f"Bearer {remembered.issued.access.reveal()}")
    assert client.get("/get-session").json()["user"] == {"id": "elsewhere-7"}
    assert len(client.get("/list-sessions").json()) == 1
    answer = client.post("/update-user", json={"name": "x"})
    assert answer.json() == {"message": "User not found", "code": "USER_NOT_FOUND"}
    change = {"currentPassword": "x", "newPassword": "another good battery"}
    assert client.post("/change-password", json=change).json()["code"] == "INVALID_PASSWORD"


def test_a_sign_in_leaves_its_steps_in_the_trace_and_no_secret(
    start: Callable[..., Live],
) -> None:
    sink = RingSink()
    live = start("hybrid", sink=sink)
    live.browser()
    sink.clear()
    browser = live.client()
    token = browser.post("/sign-in/email", json=ACCOUNT).json()["token"]
    phases = [event.phase for event in sink.events]
    assert phases[0] is Phase.LOGIN_RECEIVE
    assert phases[-1] is Phase.LOGIN_RESPOND
    assert sink.events[-1].outcome == {
        "status": {"k": "public", "v": 200},
        "carrier": {"k": "public", "v": "cookie"},
    }
    assert len({event.request_id for event in sink.events}) == 1
    browser.get("/get-session")
    assert sink.events[-1].phase is Phase.RESOURCE_RESPOND
    shown = str([event.as_json() for event in sink.events])
    refresh = browser.cookies["better-auth.refresh_token"]
    assert [secret for secret in (PASSWORD, EMAIL, token, refresh) if secret in shown] == []

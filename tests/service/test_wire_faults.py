"""When the store is gone or something breaks: nobody is let in, nothing is told."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable

import pytest
from live import EMAIL, PASSWORD, Live
from servers import PostgresServer

ACCOUNT = {"email": EMAIL, "password": PASSWORD}
DOWN = {"message": "Sign-in is unavailable, try again shortly", "code": "UNAVAILABLE"}


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return what the service and its server logged, without the drivers' own debugging."""
    ours = ("limen", "uvicorn")
    texts = [record.getMessage() for record in caplog.records if record.name.startswith(ours)]
    assert texts
    return "\n".join(texts)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hear the loggers whatever another test's server has made of them."""
    for name in ("limen", "uvicorn", "uvicorn.error", "uvicorn.access"):
        caplog.set_level(logging.DEBUG, logger=name)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)


@pytest.mark.proves("asvs:16.5.2", "attack:84")
@pytest.mark.parametrize("strategy", ["session", "jwt"])
def test_while_the_store_is_down_everything_is_refused_and_afterwards_all_is_well(
    start: Callable[..., Live], postgresql: PostgresServer, postgresql_url: str, strategy: str
) -> None:
    live = start(strategy, database=postgresql_url)
    browser = live.browser()
    held = dict(browser.cookies)
    postgresql.stop()
    try:
        for method, path, body in (
            ("GET", "/get-session", None),
            ("GET", "/list-sessions", None),
            ("POST", "/sign-in/email", ACCOUNT),
            ("POST", "/sign-up/email", {"name": "x", **ACCOUNT}),
            ("POST", "/sign-out", {}),
            ("POST", "/refresh", {}),
            ("POST", "/revoke-sessions", {}),
        ):
            answer = browser.request(method, path, json=body)
            assert (path, answer.status_code, answer.json()) == (path, 503, DOWN)
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
        assert live.client().get("/ok").status_code == 200
        assert live.client().get("/get-session").json() is None
    finally:
        postgresql.start()
    assert dict(browser.cookies) == held
    assert browser.get("/get-session").json()["user"]["email"] == EMAIL
    assert browser.post("/sign-out").status_code == 200
    assert browser.get("/get-session").json() is None


@pytest.mark.proves("asvs:16.5.1", "attack:91")
@pytest.mark.parametrize(
    ("spoilt", "path", "status", "logger", "told"),
    [
        # A row that cannot be read is a store that cannot answer.
        (
            "roles = 'not json'",
            "/sign-in/email",
            503,
            "limen.web",
            "a request was refused with 503",
        ),
        # A time that no calendar has is a fault that nobody foresaw.
        (
            "created_at = 900000000000000000",
            "/get-session",
            500,
            "limen.service",
            "POST /api/auth/get-session failed with ValueError",
        ),
    ],
)
def test_a_fault_says_nothing_to_the_client_and_no_secret_to_the_log(
    start: Callable[..., Live],
    caplog: pytest.LogCaptureFixture,
    spoilt: str,
    path: str,
    status: int,
    logger: str,
    told: str,
) -> None:
    live = start("session")
    browser = live.browser()
    with contextlib.closing(sqlite3.connect(live.database)) as connection, connection:
        connection.execute(f"UPDATE limen_account SET {spoilt}")
    with caplog.at_level(logging.DEBUG):
        answer = browser.post(path, json=ACCOUNT)
    assert answer.status_code == status
    assert "json" not in answer.text.lower()
    assert answer.content == b"" or status == 503
    assert "set-cookie" not in answer.headers
    faults = [
        one for one in caplog.records if one.name == logger and one.levelno >= logging.WARNING
    ]
    assert len(faults) == 1
    assert told in faults[0].getMessage()
    assert [text for text in (PASSWORD, EMAIL) if text in logged(caplog)] == []


@pytest.mark.proves("asvs:16.2.5", "attack:91")
def test_no_secret_reaches_the_log(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        browser = live.browser()
        secrets = list(dict(browser.cookies).values())
        browser.get("/get-session")
        secrets.append(browser.get("/token").json()["token"])
        browser.post("/refresh")
        secrets += dict(browser.cookies).values()
        change = {"currentPassword": PASSWORD, "newPassword": "another good battery"}
        secrets.append(browser.post("/change-password", json=change).json()["token"])
        browser.post("/sign-in/email", json=ACCOUNT)
        browser.post("/sign-out")
    secrets += [PASSWORD, "another good battery", live.auth.settings.secret]
    assert [secret for secret in secrets if str(secret) in logged(caplog)] == []

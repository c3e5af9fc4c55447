"""The row of a session that somebody else has changed: it is refused, and told."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from limens import QUICK, STRATEGIES

from limen import (
    AuditKind,
    Authenticated,
    BlockingLimen,
    Limen,
    Reason,
    Refused,
    SignedIn,
    Target,
)
from limen.errors import UnreadableSession
from limen.principal import Client
from limen.session import as_written
from limen.stores.sql import migrate
from limen.testing.store_cases.case import session

ADA, PASSWORD = "ada@example.org", "correct horse battery"
SPOILT = (
    {"used_at": "yesterday"},
    {"used_at": -1},
    {"expires_at": 900_000_000_000_000_000},
    {"idle": 1.5},
    {"created_at": True},
    {"subject": b"usr_ada"},
    {"client": Client(address=7)},  # type: ignore[arg-type]
    {"methods": ("pwd", 7)},
    {"roles": frozenset({None})},
    {"remembered": 1},
    {"bound_to": 7},
    {"fields": "[]"},
    {"fields": "{"},
    {"fields": None},
    {"fields": "[" * 60_000},
)
pytestmark = pytest.mark.proves("attack:90")


@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
def test_nothing_is_a_session_that_limen_cannot_have_written(spoilt: dict[str, Any]) -> None:
    written = session("one", fields='{"theme":"dark"}', bound_to="x" * 43)
    assert as_written(written) is written
    with pytest.raises(UnreadableSession, match="ses_one"):
        as_written(replace(written, **spoilt))


def spoil(path: Path, column: str, value: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE limen_session SET {column} = ?", (value,))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.mark.parametrize("column", ["used_at", "methods", "fields"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_is_refused_and_told_and_its_owner_signs_in_again(
    database: Path, strategy: str, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    with BlockingLimen(strategy, database=f"sqlite:///{database}", **QUICK) as limen:
        issued = limen.sign_up(ADA, PASSWORD).issued
        held = (issued.refresh or issued.access).reveal()
        spoil(database, column, "nonsense")
        with caplog.at_level(logging.ERROR):
            if strategy == "session":
                assert limen.authenticate(held) == Refused(Reason.UNKNOWN_SESSION)
            assert limen.refresh(held) == Refused(Reason.UNKNOWN_SESSION)
        told = [one for one in limen.audit() if one.kind == AuditKind.SESSION_UNREADABLE]
        assert {one.session_id for one in told} == {issued.principal.session_id}
        assert issued.principal.session_id in caplog.text
        again = limen.sign_in(ADA, PASSWORD).issued
        (device,) = limen.sessions(again.principal.subject)
        assert device.id == again.principal.session_id
        assert limen.revoke(Target.user(device.subject)).sessions_ended == 2
        assert isinstance(limen.sign_in(ADA, PASSWORD), SignedIn)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("moment", ["zzz", 9_000_000_000_000_000_000])
def test_it_keeps_nothing_from_ending(database: Path, strategy: str, moment: object) -> None:
    with BlockingLimen(strategy, database=f"sqlite:///{database}", **QUICK) as limen:
        who = limen.sign_up(ADA, PASSWORD).issued.principal
        for end in (
            lambda: limen.revoke(Target.session(who.session_id)),
            lambda: limen.set_roles(who.subject, ["admin"]),
            lambda: limen.revoke(Target.user(who.subject)),
            lambda: limen.disable(who.subject),
        ):
            limen.enable(who.subject)
            limen.sign_in(ADA, PASSWORD)
            spoil(database, "used_at", moment)
            end()
        limen.enable(who.subject)
        # Nor does it put the log so far ahead that nobody signs in again.
        again = limen.sign_in(ADA, PASSWORD).issued
        assert isinstance(limen.authenticate(again.access.reveal()), Authenticated)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_event_loop_refuses_it_as_well(database: Path, strategy: str) -> None:
    async def work() -> None:
        url = f"sqlite+aiosqlite:///{database}"
        async with Limen(strategy, database=url, **QUICK) as limen:
            issued = (await limen.sign_up(ADA, PASSWORD)).issued
            held = (issued.refresh or issued.access).reveal()
            spoil(database, "roles", "7")
            assert limen.recognise(held.encode()) is None or strategy != "session"
            assert await limen.refresh(held) == Refused(Reason.UNKNOWN_SESSION)
            kinds = [one.kind for one in await limen.audit()]
            assert kinds[0] == AuditKind.SESSION_UNREADABLE

    asyncio.run(work())

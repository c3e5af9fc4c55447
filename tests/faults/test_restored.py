"""A backup is put back: what was ended since is not alive again.

With `limen restored` as the runbook has it, and before it in every process that remembers more
than the database does.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from limens import QUICK, STRATEGIES
from servers import PostgresServer
from terminal import Terminal

from limen import Authenticated, BlockingLimen, Refused, Target
from limen.errors import StoreUnavailable
from limen.stores.sql import migrate
from limen.testing import FrozenClock

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
pytestmark = pytest.mark.proves("attack:14", "attack:85")


class Backup:
    """A database, and the way back to what it was."""

    def __init__(self, url: str, take: Callable[[], Any], put_back: Callable[[], Any]) -> None:
        self.url, self.take, self.put_back = url, take, put_back


@pytest.fixture(params=["sqlite", "postgresql"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backup]:
    if request.param == "sqlite":
        live, kept = tmp_path / "live.db", tmp_path / "kept.db"
        url = f"sqlite+aiosqlite:///{live}"
        migrate(url)
        yield Backup(url, lambda: copied(live, kept), lambda: copied(kept, live))
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.database()
    name = url.rpartition("/")[2]
    admin = url.replace("+asyncpg", "").rpartition("/")[0] + "/postgres"

    def copy(source: str, target: str) -> None:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
            # A template must be left alone while it is copied; whoever uses it connects again.
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (source,),
            )
            connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    yield Backup(url, lambda: copy(name, name + "_kept"), lambda: copy(name + "_kept", name))
    server.drop(url)
    server.drop(url + "_kept")


def copied(source: Path, target: Path) -> None:
    """Copy a file as `sqlite3 .backup` and `.restore` do, which need not stop anybody."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def opened(url: str, strategy: str, **options: Any) -> BlockingLimen:
    made = BlockingLimen(strategy, database=url, **(QUICK | options))  # type: ignore[arg-type]
    made.open()
    return made


def run_restored(url: str, strategy: str, home: Path) -> Any:
    """Run the command that the runbook names."""
    return Terminal(home, url).json("restored", "--yes", LIMEN_STRATEGY=strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_that_was_ended_lives_again(backup: Backup, strategy: str, tmp_path: Path) -> None:
    limen = opened(backup.url, strategy)
    signed = limen.sign_up(EMAIL, PASSWORD)
    assert not isinstance(signed, Refused)
    stolen, leaked = signed.issued, limen.assembly.keys.keyring.signing.id
    holding = (stolen.refresh or stolen.access).reveal()
    limen.close()
    backup.take()
    limen = opened(backup.url, strategy)
    limen.revoke(Target.session(stolen.principal.session_id))
    limen.revoke(Target.key(leaked))
    assert isinstance(limen.refresh(holding), Refused)
    limen.close()
    backup.put_back()
    # Nothing of this is in the database any more: without the next step it would be good again.
    limen = opened(backup.url, strategy)
    assert isinstance(limen.recall(holding), Authenticated)
    limen.close()

    told = run_restored(backup.url, strategy, tmp_path)

    assert leaked in told["keys_retired"]
    assert told["sessions_ended"] == 1
    limen = opened(backup.url, strategy)
    assert isinstance(limen.refresh(holding), Refused)
    assert isinstance(limen.authenticate(stolen.access.reveal()), Refused)
    assert leaked not in limen.assembly.keys.keyring.key_ids
    assert limen.sessions(stolen.principal.subject) == ()
    # And people sign in as before.
    again = limen.sign_in(EMAIL, PASSWORD)
    assert not isinstance(again, Refused)
    limen.close()


def test_a_process_that_remembers_more_than_the_database_accepts_nothing(
    backup: Backup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limen = opened(backup.url, "hybrid")
    held = [limen.sign_up(f"{name}@example.org", PASSWORD) for name in ("ada", "bob")]
    ada, bob = (one.issued.access.reveal() for one in held if not isinstance(one, Refused))
    backup.take()
    limen.revoke(Target.user(limen.account_by_email("ada@example.org").id))  # type: ignore[union-attr]
    look(limen)
    assert isinstance(limen.authenticate(ada), Refused)
    assert isinstance(limen.authenticate(bob), Authenticated)
    backup.put_back()
    with caplog.at_level(logging.ERROR, logger="limen.feed"):
        look(limen)
        assert isinstance(limen.authenticate(ada), Refused)  # this one it remembers
        with pytest.raises(StoreUnavailable, match="limen restored"):
            limen.authenticate(bob)
    assert "limen restored" in caplog.text
    run_restored(backup.url, "hybrid", tmp_path)
    look(limen)
    for text in (ada, bob):
        assert isinstance(limen.authenticate(text), Refused)
    limen.run(limen.assembly.operations.load_keys())  # as it does once a minute
    again = limen.sign_in("bob@example.org", PASSWORD)
    assert not isinstance(again, Refused)
    look(limen)
    assert isinstance(limen.authenticate(again.issued.access.reveal()), Authenticated)
    limen.close()


def look(limen: BlockingLimen) -> None:
    """Let the process look at the log; whoever was cut off connects again."""
    feed = limen._feed
    assert feed is not None
    for _ in range(3):
        try:
            return feed.catch_up()
        except StoreUnavailable:
            continue
    raise AssertionError("the log cannot be read")


def test_an_entry_that_expired_and_was_deleted_is_no_restored_backup(tmp_path: Path) -> None:
    """The log shrinks by itself, and nobody may be refused for that."""
    url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
    migrate(url)
    clock = FrozenClock()
    limen = opened(url, "hybrid", clock=clock)
    signed = limen.sign_up(EMAIL, PASSWORD)
    assert not isinstance(signed, Refused)
    limen.revoke(Target.session(signed.issued.principal.session_id))
    look(limen)
    clock.advance(2 * 3_600_000)
    limen.purge()
    look(limen)
    again = limen.sign_in(EMAIL, PASSWORD)
    assert not isinstance(again, Refused)
    limen.revoke(Target.session(again.issued.principal.session_id))
    look(limen)
    last = limen.sign_in(EMAIL, PASSWORD)
    assert not isinstance(last, Refused)
    assert isinstance(limen.authenticate(last.issued.access.reveal()), Authenticated)
    limen.close()

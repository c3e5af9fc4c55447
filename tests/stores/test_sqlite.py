"""The SQL stores over SQLite."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys

import pytest

from limen.effects import (
    AddAccount,
    Ended,
    FindSession,
    Increment,
    KeepRevocations,
    KeepTicket,
    KeptRevocation,
    Purge,
    RemoveAccount,
    Ticket,
    TouchSession,
)
from limen.errors import ConfigurationError, StoreUnavailable
from limen.revocation import Kind
from limen.stores.sql import BlockingSqlStore, SqlStore, migrate
from limen.stores.sql.database import blocking_engine
from limen.stores.sql.tables import REVISION, metadata
from limen.testing.store_cases.case import (
    HORIZON,
    MINUTE,
    NOW,
    account,
    digest,
    identity,
    open_session,
)
from limen.testing.stores import MakeStore, StoreSuite, ThreadedStore

SHORT_MS = 100
# FULL is 2. The timeout is the one that a store was made with.
SETTINGS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}
PATIENCE_MS = 60_000  # a busy machine is no fault


@pytest.fixture
def url(tmp_path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
    assert migrate(url)[-1] == REVISION
    return url


def test_nothing_of_a_removed_account_is_left_for_ever(url) -> None:
    store = BlockingSqlStore(url)
    made = account(username="ada", display_username="Ada")
    assert store.perform(AddAccount(made, "hash", identity()))
    asyncio.run(open_session(ThreadedStore(store)))
    store.perform(KeepTicket(Ticket("reset", digest("t"), made.id, NOW + MINUTE, "3")))
    store.perform(Increment(f"reset:{made.email}", MINUTE, NOW))
    kept = KeptRevocation(Kind.USER, made.id, NOW, NOW + MINUTE, NOW + MINUTE)
    store.perform(KeepRevocations((kept,)))
    assert store.perform(RemoveAccount(made.id, NOW, HORIZON)) == Ended(1, 1)
    store.perform(Purge(NOW + HORIZON))
    store.close()
    with contextlib.closing(sqlite3.connect(url.partition(":///")[2])) as file:
        for table in metadata.sorted_tables:
            rows = file.execute(f"SELECT * FROM {table.name}").fetchall()
            assert rows == [], table.name


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    def make_store(self, url: str) -> MakeStore:
        return lambda: SqlStore(url, timeout_ms=PATIENCE_MS)


class TestBlockingSqliteStore(StoreSuite):
    @pytest.fixture
    def make_store(self, url: str) -> MakeStore:
        return lambda: ThreadedStore(BlockingSqlStore(url, timeout_ms=PATIENCE_MS))


ROTATE = """
import sys, time
from pathlib import Path
from limen.effects import RotateRefresh
from limen.stores.sql import BlockingSqlStore
from limen.testing.store_cases.case import HORIZON, NOW, digest

url, number, go = sys.argv[1:]
store = BlockingSqlStore(url, timeout_ms=60_000)
store.open()
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.001)
offer = RotateRefresh(digest("fresh one"), digest(number), b"sealed", NOW, 0, HORIZON)
print(type(store.perform(offer)).__name__, flush=True)
store.close()
"""
PROCESSES = 6


def test_of_several_processes_exactly_one_rotates(url, tmp_path) -> None:
    store = BlockingSqlStore(url)
    asyncio.run(open_session(ThreadedStore(store)))
    store.close()
    go = tmp_path / "go"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ROTATE, url, str(number), str(go)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    go.touch()
    answers = sorted(process.communicate()[0].strip() for process in processes)
    assert answers == ["NoneType"] * (PROCESSES - 2) + ["Replayed", "Rotated"]


def test_a_locked_database_is_unavailable_and_then_used_again(url, tmp_path) -> None:
    async def main() -> None:
        store = SqlStore(url, timeout_ms=SHORT_MS)
        blocking = BlockingSqlStore(url, timeout_ms=SHORT_MS)
        await open_session(store)
        rival = sqlite3.connect(tmp_path / "limen.db", isolation_level=None)
        rival.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await store.perform(TouchSession("ses_one", NOW + 1))
        with pytest.raises(StoreUnavailable):
            blocking.perform(TouchSession("ses_one", NOW + 1))
        # Readers do not wait for a writer.
        assert await store.perform(FindSession(id="ses_one")) is not None
        rival.execute("ROLLBACK")
        rival.close()
        assert await store.perform(TouchSession("ses_one", NOW + 1))
        assert blocking.perform(TouchSession("ses_one", NOW + 1))
        await store.close()
        blocking.close()

    asyncio.run(main())


def test_a_missing_disk_is_unavailable_and_a_mounted_one_is_used(tmp_path) -> None:
    disk = tmp_path / "disk"
    away = f"sqlite+aiosqlite:///{disk}/limen.db"

    async def main() -> None:
        store, blocking = SqlStore(away), BlockingSqlStore(away)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.open()
            with pytest.raises(StoreUnavailable):
                await store.perform(FindSession(id="ses_one"))
            with pytest.raises(StoreUnavailable):
                blocking.perform(FindSession(id="ses_one"))
        with pytest.raises(StoreUnavailable):
            migrate(away)
        disk.mkdir()
        migrate(away)
        await store.open()
        assert await store.perform(FindSession(id="ses_one")) is None
        assert blocking.perform(FindSession(id="ses_one")) is None
        await store.close()
        blocking.close()

    asyncio.run(main())


def test_a_file_that_is_no_database_is_unavailable(tmp_path) -> None:
    (tmp_path / "limen.db").write_text("not a database, and longer than a header of one" * 99)
    store = BlockingSqlStore(f"sqlite:///{tmp_path}/limen.db")
    with pytest.raises(StoreUnavailable):
        store.open()
    store.close()


def test_a_commit_is_on_the_disk_and_a_deleted_session_takes_its_credentials(url) -> None:
    engine = blocking_engine(url, PATIENCE_MS, 1)
    with engine.connect() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in SETTINGS}
    engine.dispose()
    assert asked == SETTINGS


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
@pytest.mark.parametrize("kind", [SqlStore, BlockingSqlStore])
def test_a_database_in_memory_is_refused(kind, url) -> None:
    with pytest.raises(ConfigurationError, match="memory store or a file"):
        kind(url)

"""What a failed start leaves behind: nothing, so that it can be tried again."""

from __future__ import annotations

import asyncio

import pytest
from limens import QUICK, STRATEGIES

from limen import BlockingLimen, Limen, SignedIn
from limen.errors import MigrationNeeded, StoreUnavailable
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.stores.sql import migrate
from limen.testing.faulty import BlockingFaultyStore, FaultyStore

ADA, PASSWORD = "ada@example.org", "correct horse battery"
QUESTIONS = 12  # more than any start asks
pytestmark = pytest.mark.proves("asvs:16.5.2", "attack:84")


class Door(FaultyStore):
    """Knows whether it is open."""

    is_open = False

    async def open(self) -> None:
        await super().open()
        self.is_open = True

    async def close(self) -> None:
        await super().close()
        self.is_open = False


class BlockingDoor(BlockingFaultyStore):
    """The same for code that does not await."""

    is_open = False

    def open(self) -> None:
        super().open()
        self.is_open = True

    def close(self) -> None:
        super().close()
        self.is_open = False


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("error", [None, asyncio.CancelledError()], ids=["away", "cancelled"])
def test_a_start_that_fails_leaves_nothing_open(strategy: str, error) -> None:
    failed = [asyncio.run(_failed_at(at, strategy, error)) for at in range(QUESTIONS)]
    assert failed[0]
    assert not failed[-1]


async def _failed_at(at: int, strategy: str, error: BaseException | None) -> bool:
    store = Door(MemoryStore())
    auth = Limen(strategy, store=store, **QUICK)
    store.fail(at, error=error)
    try:
        await auth.open()
    except (StoreUnavailable, asyncio.CancelledError):
        assert not store.is_open
        assert asyncio.all_tasks() == {asyncio.current_task()}
        store.heal()
        await _signs_up(auth)
        return True
    else:
        assert not store.has_failed
        await auth.close()
        return False
    finally:
        assert not store.is_open


async def _signs_up(auth: Limen) -> None:
    async with auth:
        assert isinstance(await auth.sign_up(ADA, PASSWORD), SignedIn)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_blocking_start_that_fails_leaves_nothing_open(strategy: str) -> None:
    failures = 0
    for at in range(QUESTIONS):
        store = BlockingDoor(BlockingMemoryStore())
        auth = BlockingLimen(strategy, store=store, **QUICK)
        store.fail(at)
        try:
            auth.open()
        except StoreUnavailable:
            failures += 1
            assert not store.is_open
            store.heal()
            with auth:
                assert isinstance(auth.sign_up(ADA, PASSWORD), SignedIn)
        else:
            assert not store.has_failed
            auth.close()
        assert not store.is_open
    assert 0 < failures < QUESTIONS


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_start_without_tables_succeeds_once_they_are_there(strategy, tmp_path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"

    async def start() -> None:
        auth = Limen(strategy, database=url, **QUICK)
        with pytest.raises(MigrationNeeded):
            await auth.open()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        migrate(url)
        await _signs_up(auth)

    asyncio.run(start())

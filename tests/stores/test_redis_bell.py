"""The bell of a Redis store rings when somebody revokes, and says so when it is deaf."""

import asyncio
import signal
from collections.abc import Iterator

import pytest
from redises import PATIENCE_MS
from servers import RedisServer

from limen.effects import ReadLog, Revoke
from limen.errors import StoreUnavailable
from limen.revocation import Target
from limen.stores.memory import MemoryStore
from limen.stores.redis import RedisStore
from limen.testing.store_cases.case import HORIZON, NOW

SHORT_MS = 400


@pytest.fixture
def own() -> Iterator[RedisServer]:
    made = RedisServer()
    yield made
    made.remove()


def test_a_bell_that_can_hear_nothing_says_so_and_can_be_opened_again(own) -> None:
    async def main() -> None:
        store = RedisStore(own.url, MemoryStore(), timeout_ms=SHORT_MS)
        bell = store.bell()
        with pytest.raises(StoreUnavailable):
            await bell.wait(0.01)  # nobody opened it
        await bell.open()
        own.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(bell.wait(0.05), 30)
        own.signal(signal.SIGCONT)
        with pytest.raises(StoreUnavailable):
            await bell.wait(0.01)
        await bell.open()
        own.kill()
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(bell.wait(20), 30)
        with pytest.raises(StoreUnavailable):
            await bell.open()
        own.start()
        await bell.open()
        await bell.close()
        await bell.close()
        await store.close()

    asyncio.run(main())


def test_a_bell_rings_for_what_others_revoke(redis_url) -> None:
    async def main() -> None:
        store = RedisStore(redis_url, MemoryStore(), timeout_ms=PATIENCE_MS)
        other = RedisStore(redis_url, MemoryStore(), timeout_ms=PATIENCE_MS)
        await store.perform(Revoke(Target.key("before"), NOW, HORIZON))
        bell = store.bell()
        await bell.open()
        loop = asyncio.get_running_loop()
        began = loop.time()
        await bell.wait(0.3)
        assert loop.time() - began >= 0.29  # what was there before does not ring
        for rung in range(3):
            waiting = asyncio.create_task(bell.wait(60))
            await asyncio.sleep(0.05 * rung)  # also when it rings before somebody waits
            await other.perform(Revoke(Target.key(str(rung)), NOW, HORIZON))
            await asyncio.wait_for(waiting, 30)
        # Rung while nobody waited.
        await other.perform(Revoke(Target.key("missed"), NOW, HORIZON))
        await asyncio.wait_for(bell.wait(60), 30)
        # A wait that was given up, and a log that was flushed.
        waiting = asyncio.create_task(bell.wait(60))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await bell.open()
        await bell.close()
        await store.close()
        await other.close()

    asyncio.run(main())


def test_whoever_is_cancelled_stops_at_whatever_moment(redis_url) -> None:
    """A command that was just written must not use up the cancellation."""

    async def main() -> None:
        store = RedisStore(redis_url, MemoryStore(), timeout_ms=PATIENCE_MS)
        bell = store.bell()
        await bell.open()
        await store.perform(ReadLog(0))
        cancelled = 0
        for work in (lambda: store.perform(ReadLog(0)), lambda: bell.wait(PATIENCE_MS / 1000)):
            for turns in range(20):
                await bell.open()
                task = asyncio.ensure_future(work())
                for _ in range(turns):
                    await asyncio.sleep(0)
                if task.cancel():
                    await asyncio.wait([task], timeout=30)
                    assert task.cancelled(), f"it goes on after {turns} turns of the loop"
                    cancelled += 1
        assert cancelled > 20
        await bell.close()
        await store.close()

    asyncio.run(main())

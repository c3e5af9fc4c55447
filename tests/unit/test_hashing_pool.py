"""Hashes give way to requests, and wait in a queue that has an end."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from limen.errors import Overloaded
from limen.hashing import NICER, QUEUE_PER_WORKER, RETRY_AFTER_S, HashingPool


def _urgency() -> tuple[int, int]:
    thread = threading.get_native_id()
    return thread, os.getpriority(os.PRIO_PROCESS, thread)


def test_on_linux_a_hash_is_less_urgent_than_the_event_loop() -> None:
    pool = HashingPool(1)

    async def asked() -> tuple[int, int]:
        return await pool.run(_urgency)

    here, mine = _urgency()
    there, its = asyncio.run(asked())
    pool.close()
    assert there != here
    assert its == (min(19, mine + NICER) if sys.platform == "linux" else mine)
    assert _urgency() == (here, mine)


@pytest.mark.proves("attack:61")
def test_beyond_its_queue_the_pool_asks_to_come_again() -> None:
    pool, hold = HashingPool(1), threading.Event()

    async def flood() -> list[object]:
        waiting = [asyncio.create_task(pool.run(hold.wait)) for _ in range(pool.capacity)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refused:
            await pool.run(hold.wait)
        assert refused.value.retry_after == RETRY_AFTER_S
        hold.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(flood()) == [True] * (1 + QUEUE_PER_WORKER)
    assert asyncio.run(pool.run(lambda: 7)) == 7
    pool.close()

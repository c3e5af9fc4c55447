"""Runs password hashes off the event loop, in a pool with a bounded queue.

Argon2id is meant to be slow. In the event loop one sign-in would stop every other request;
in an unbounded queue a flood of them would hold memory and answer nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from limen.errors import Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Hashes that may wait for each worker: at some 25 ms each the last waits well under a second.
QUEUE_PER_WORKER = 16
RETRY_AFTER_S = 2
# How much less urgent a hash is than a request, as a step of `nice`.
NICER = 10


class HashingPool:
    """At most `workers` hashes at once and a bounded number waiting."""

    def __init__(self, workers: int | None = None) -> None:
        """Make the pool; by default half the cores hash and half go on serving."""
        self.workers = workers or max(1, (os.cpu_count() or 2) // 2)
        self.capacity = self.workers * (1 + QUEUE_PER_WORKER)
        self._pending = 0
        self._threads = ThreadPoolExecutor(self.workers, "limen-hash", _give_way)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the pool; raises `Overloaded` when its queue is full."""
        if self._pending >= self.capacity:
            raise Overloaded(RETRY_AFTER_S)
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._pending -= 1

    def close(self) -> None:
        """Let running hashes finish and stop the threads."""
        self._threads.shutdown(wait=True)


def _give_way() -> None:
    """Let the event loop go first where there are fewer cores than threads.

    Linux ranks each thread by itself; elsewhere the call would rank a whole process.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        nicer = os.getpriority(os.PRIO_PROCESS, thread) + NICER
        os.setpriority(os.PRIO_PROCESS, thread, nicer)

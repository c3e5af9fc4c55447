"""The time of day, as an argument. The only module that asks the system for it."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

from limen import forks
from limen.forks import Forkable

# What time has ended is kept this much longer, in milliseconds, before it is deleted: whoever
# deletes it may have a clock that is ahead of those that still need it.
CLOCKS_DIFFER: Final = 3_600_000


class Clock(Protocol):
    """Tells the time in whole milliseconds since the Unix epoch (UTC)."""

    def now(self) -> int:
        """Return the time of day in milliseconds; never less than an earlier answer."""
        ...


class SystemClock(Forkable):
    """The system's time of day, held at its high-water mark.

    A clock that steps back (NTP, a resumed virtual machine) would bring expired
    credentials back to life, so within one process time never runs backwards.
    """

    def __init__(self) -> None:
        self._latest = 0
        self._lock = threading.Lock()
        forks.tell(self)

    def after_fork(self, *, child: bool) -> None:
        """Open a lock that a thread of the parent may have held."""
        if child:
            self._lock = threading.Lock()

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        read = time.time_ns() // 1_000_000
        latest = self._latest
        if read <= latest:  # within the same millisecond nobody waits for the lock
            return latest
        with self._lock:
            self._latest = max(self._latest, read)
            return self._latest


def elapsed_ns() -> int:
    """Return a monotonic reading in nanoseconds, for durations only."""
    return time.perf_counter_ns()

"""What somebody who is signed in notices while the store is gone, and when it is back.

The store works in a process of its own, which is killed and started again. The server and
everybody's credentials stay.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.lab.measure.caller import FIRST_REFUSAL, Caller
from limen.lab.measure.servers import served_here
from limen.lab.servers.site import PROTECTED, url_of
from limen.lab.servers.storehouse import Storehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.measure.servers import Grounds
    from limen.lab.servers.site import Person

PAUSE_S: Final = 0.05
BEFORE_S: Final = 0.1
# How long after the start of the store somebody goes on asking for an answer as before.
PATIENCE_S: Final = 15.0
# So many answers in a row say that all is as before.
CONFIRMED: Final = 10
_MILLISECOND_NS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it was sent and answered, in milliseconds from the kill, and its status."""

    sent: float
    answered: float
    status: int

    @property
    def served(self) -> bool:
        """Whether it got what it asked for."""
        return self.status < FIRST_REFUSAL


@dataclass(frozen=True, slots=True)
class Outage:
    """All that was asked. `back` is when the store was told to start again, from the kill."""

    back: float
    asked: tuple[Asked, ...]

    @property
    def meanwhile(self) -> tuple[Asked, ...]:
        """Return what was asked and answered while there was no store."""
        return tuple(one for one in self.asked if one.sent >= 0 and one.answered < self.back)

    @property
    def served(self) -> int:
        """Return how many of those were served."""
        return sum(one.served for one in self.meanwhile)

    @property
    def failures(self) -> tuple[Asked, ...]:
        """Return everything that was asked after the kill and not served."""
        return tuple(one for one in self.asked if one.sent >= 0 and not one.served)

    @property
    def served_for(self) -> float | None:
        """Return when the first request that was not served was sent, `None` if all were."""
        return self.failures[0].sent if self.failures else None

    @property
    def statuses(self) -> tuple[int, ...]:
        """Return with what requests were not served."""
        return tuple(sorted({one.status for one in self.failures}))

    @property
    def recovered(self) -> float | None:
        """Return how long after the start of the store somebody was served again.

        `None` where that cannot be told: nothing had failed, or nothing was served again.
        """
        if not self.failures:
            return None
        last = self.failures[-1].sent
        return next(
            (one.answered - self.back for one in self.asked if one.served and one.sent > last), None
        )

    def as_json(self) -> dict[str, object]:
        """Return the outage as JSON values; times in milliseconds from the kill."""
        return {
            "store_told_to_start_ms": self.back,
            "served_meanwhile": self.served,
            "not_served": len(self.failures),
            "first_not_served_ms": self.served_for,
            "served_again_after_start_ms": self.recovered,
            "requests": [
                [round(one.sent, 3), round(one.answered, 3), one.status] for one in self.asked
            ],
        }


def outage(grounds: Grounds, person: Person, seconds: float) -> Outage:
    """Kill the store for so long while somebody keeps asking. Blocks."""
    house, asking = Storehouse(url_of(grounds.database)), _Asking()
    with (
        served_here(replace(grounds, store_for=lambda _: house)) as port,
        Caller(port) as caller,
        ThreadPoolExecutor(1) as pool,
    ):
        caller.sign_in(person)
        told = pool.submit(asking.go_on, caller)
        with asking.ending(), _expected():
            time.sleep(BEFORE_S)
            killed = elapsed_ns()
            house.kill()
            time.sleep(seconds)
            asking.back_ns = elapsed_ns()
            house.start()
            told.result()
        back = (asking.back_ns - killed) / _MILLISECOND_NS
        asked = (
            Asked((sent - killed) / _MILLISECOND_NS, (answered - killed) / _MILLISECOND_NS, status)
            for sent, answered, status in told.result()
        )
        return Outage(back, tuple(asked))


@contextlib.contextmanager
def _expected() -> Iterator[None]:
    """Keep every refusal for want of a store out of the log: here they are what is measured."""
    log = logging.getLogger("limen.web")

    def passes(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING

    log.addFilter(passes)
    try:
        yield
    finally:
        log.removeFilter(passes)


class _Asking:
    """Asks until the store is back and answers are as before, or until nobody waits for that."""

    def __init__(self) -> None:
        self.back_ns: int | None = None
        self._over = threading.Event()

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Stop asking with the block, however it ends."""
        try:
            yield
        finally:
            self._over.set()

    def go_on(self, caller: Caller) -> list[tuple[int, int, int]]:
        """Return when each request was sent and answered, and its status."""
        asked, in_a_row = list[tuple[int, int, int]](), 0
        while in_a_row < CONFIRMED and not self._over.is_set():
            sent = elapsed_ns()
            status = caller.get(PROTECTED)
            answered = elapsed_ns()
            asked.append((sent, answered, status))
            if self.back_ns is not None and sent > self.back_ns:
                in_a_row = in_a_row + 1 if status < FIRST_REFUSAL else 0
                if sent - self.back_ns > PATIENCE_S * 1e9:
                    break
            time.sleep(PAUSE_S)
        return asked

"""A revocation feed that looks at the log at short intervals.

The log is the truth. A look that fails costs time, never an entry: the next one continues
from the last `seq` that was seen, and until then the view says that it is stale.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from limen.clock import elapsed_ns
from limen.effects import ReadLog
from limen.errors import StoreUnavailable
from limen.revocation import Coverage, Kind, RevocationView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from limen.clock import Clock
    from limen.effects import AskFeed
    from limen.ports import BlockingStore, Store
    from limen.revocation import Revocation

_log = logging.getLogger("limen.feed")
PAGE = 10_000
# How often what can no longer refuse anything is forgotten.
PURGE_EVERY = 60_000


class _Lease:
    """A view of the log and the moment at which it was last known to be complete."""

    def __init__(self, clock: Clock, max_lag: int) -> None:
        self.clock = clock
        self.max_lag = max_lag
        self.view = RevocationView()
        self._heard_at: int | None = None
        self._heard_ns = 0
        self._purged_at = clock.now()

    def answer(self, question: AskFeed) -> Coverage:
        """Answer from memory; a revocation that is known is final, however old the view."""
        if self.view.covers(
            question.session_id, question.subject, question.key_id, question.issued_at
        ):
            return Coverage.COVERED
        heard_at = self._heard_at
        if heard_at is None:
            return Coverage.STALE
        # By both clocks: the time of day may stand still after a step back.
        passed_ms = (elapsed_ns() - self._heard_ns) // 1_000_000
        if max(self.clock.now() - heard_at, passed_ms) >= self.max_lag:
            return Coverage.STALE
        return Coverage.CLEAR

    def take(self, entries: Iterable[Revocation]) -> None:
        self.view.apply(entries)

    def complete(self, asked_at: int, asked_ns: int) -> None:
        """Note that everything committed before this moment, by both clocks, has been seen."""
        self._heard_at = asked_at
        self._heard_ns = asked_ns
        if asked_at - self._purged_at >= PURGE_EVERY:
            self.view.purge(asked_at)
            self._purged_at = asked_at


class PollingFeed:
    """Follows the log in a background task. Times are in milliseconds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        max_lag: int,
        interval: int,
        on_key: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Make the feed; it knows nothing, and says `STALE`, until `start`.

        `on_key` is awaited when a key was withdrawn, so that nobody goes on signing with it.
        """
        self.max_lag = max_lag
        self._on_key = on_key
        self._key_pending = False
        self._store = store
        self._lease = _Lease(clock, max_lag)
        self._interval_s = interval / 1000
        self._task: asyncio.Task[None] | None = None
        self._cut = False

    def answer(self, question: AskFeed) -> Coverage:
        """Say whether the log refuses a credential; reads memory only."""
        return self._lease.answer(question)

    async def start(self) -> None:
        """Read the whole live log, then keep following it."""
        await self.catch_up()
        self._task = asyncio.create_task(self._follow(), name="limen-revocation-feed")

    async def stop(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        lease = self._lease
        while True:
            asked_at, asked_ns = lease.clock.now(), elapsed_ns()
            entries = await self._store.perform(ReadLog(lease.view.seq, PAGE))
            lease.take(entries)
            self._key_pending |= any(entry.kind is Kind.KEY for entry in entries)
            if len(entries) < PAGE:
                if self._key_pending and self._on_key is not None:
                    await self._on_key()  # if this fails, the view stays incomplete
                self._key_pending = False
                lease.complete(asked_at, asked_ns)
                return

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.catch_up()
            except StoreUnavailable:
                if not self._cut:
                    _log.warning(
                        "the revocation log cannot be read; within %d ms every check asks the "
                        "store itself until it can",
                        self.max_lag,
                    )
                self._cut = True
            except Exception:  # noqa: BLE001 - the task must outlive a fault that nobody foresaw
                _log.exception(
                    "a look at the revocation log failed; the next one goes on from there"
                )
            else:
                if self._cut:
                    _log.warning("the revocation log can be read again")
                self._cut = False


class BlockingFeed:
    """The same view for code that does not await: it looks when the last look is too old."""

    def __init__(self, store: BlockingStore, clock: Clock, *, max_lag: int, interval: int) -> None:
        """Make the feed; times are in milliseconds."""
        self.max_lag = max_lag
        self._store = store
        self._lease = _Lease(clock, max_lag)
        self._interval = interval
        self._looked_at: int | None = None
        # One thread at a time takes in entries, so that none is lost while the view is purged.
        self._looking = threading.Lock()

    def answer(self, question: AskFeed) -> Coverage:
        """Look at the log if the last look is older than the interval, then answer."""
        now = self._lease.clock.now()
        if self._looked_at is None or now - self._looked_at >= self._interval:
            self._looked_at = now
            with contextlib.suppress(StoreUnavailable):
                self.catch_up()
        return self._lease.answer(question)

    def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        lease = self._lease
        with self._looking:
            while True:
                asked_at, asked_ns = lease.clock.now(), elapsed_ns()
                entries = self._store.perform(ReadLog(lease.view.seq, PAGE))
                lease.take(entries)
                if len(entries) < PAGE:
                    lease.complete(asked_at, asked_ns)
                    return

"""Feeds that read the log through the store: woken by a bell, or at short intervals.

The log is the truth. A look that fails costs time, never an entry: the next one continues
from the last `seq` that was seen, and until then the view says that it is not fresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from contextvars import Context
from typing import TYPE_CHECKING, Final

from limen.effects import ReadLog
from limen.errors import StoreUnavailable
from limen.feeds import lease as leases
from limen.feeds.lease import Lease
from limen.ports import Recovering

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from limen.clock import Clock
    from limen.ports import Bell, BlockingStore, Listener, Store
    from limen.revocation import RevocationView

_log = logging.getLogger("limen.feed")
# A feed with a bell looks without one this many times within `max_lag`, so that one look may
# fail, and a bell that went dumb costs a quarter of `max_lag`.
HEARTBEATS: Final = 4


class FollowingFeed:
    """Follows the log in a background task. Times are in milliseconds.

    With a `bell` it looks when that rings, and now and then besides; without one, or while
    the bell cannot be heard, every `interval`.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        max_lag: int,
        interval: int,
        bell: Bell | None = None,
        on_key: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Make the feed; it knows nothing, and is not fresh, until `start`.

        `on_key` is awaited when a key was withdrawn, so that nobody goes on signing with it.
        """
        self.max_lag = max_lag
        self._store = store
        self._bell = bell
        self._listening = False
        self._on_key = on_key
        self._lease = Lease(clock, max_lag, recovers=isinstance(store, Recovering))
        self._interval_s = interval / 1000
        self._heartbeat_s = max(interval, max_lag / HEARTBEATS) / 1000
        self._task: asyncio.Task[None] | None = None
        # One look at a time, so that none takes in entries which another has yet to read up to.
        self._looking = asyncio.Lock()
        self._cut = False

    @property
    def view(self) -> RevocationView:
        """What is known of the log."""
        return self._lease.view

    def is_fresh(self) -> bool:
        """Tell whether the log was read within `max_lag`; reads memory only."""
        return self._lease.is_running

    @property
    def went_back(self) -> bool:
        """Whether the log lost what it must have; reads memory only."""
        return self._lease.went_back

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries."""
        self._lease.listeners.append(listener)

    async def start(self) -> None:
        """Read the whole live log, then keep following it; raises `StoreUnavailable`."""
        await self._listen()  # before the first look: what comes between rings
        await self.catch_up()
        # In a context of its own: that of a request would live as long as the feed.
        task = asyncio.create_task(self._follow(), name="limen-revocation-feed", context=Context())
        self._task = task

    async def stop(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._bell is not None:
            self._listening = False
            await self._bell.close()  # also one that was just being opened

    async def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        lease = self._lease
        async with self._looking:
            lease.doubt()
            while True:
                reading = lease.reading()
                entries = await self._store.perform(ReadLog(lease.after, leases.PAGE))
                if lease.take(entries):
                    break
            if lease.key_withdrawn and self._on_key is not None:
                await self._on_key()  # if this fails, the view stays incomplete
            lease.key_withdrawn = False
            lease.complete(reading)

    async def _listen(self) -> None:
        if self._bell is not None and not self._listening:
            await self._bell.open()
            self._listening = True

    async def _wait(self) -> None:
        if self._bell is None:
            await asyncio.sleep(self._interval_s)
            return
        try:
            await self._listen()
            await self._bell.wait(self._heartbeat_s)
        except StoreUnavailable:
            if self._listening:
                self._listening = False
                await self._bell.close()
            await asyncio.sleep(self._interval_s)

    async def _follow(self) -> None:
        while True:
            try:
                await self._wait()
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
                await asyncio.sleep(self._interval_s)
            else:
                if self._cut:
                    _log.warning("the revocation log can be read again")
                self._cut = False


class BlockingFollowingFeed:
    """The same view for code that does not await: it looks when the last look is too old."""

    def __init__(self, store: BlockingStore, clock: Clock, *, max_lag: int, interval: int) -> None:
        """Make the feed; times are in milliseconds."""
        self.max_lag = max_lag
        self._store = store
        self._lease = Lease(clock, max_lag, recovers=isinstance(store, Recovering))
        self._interval = interval
        self._looked_at: int | None = None
        # One thread at a time takes in entries, so that none is lost while the view is purged.
        self._looking = threading.Lock()

    @property
    def view(self) -> RevocationView:
        """What is known of the log."""
        return self._lease.view

    def is_fresh(self) -> bool:
        """Look at the log if the last look is older than the interval, then tell."""
        now = self._lease.clock.now()
        if self._looked_at is None or now - self._looked_at >= self._interval:
            self._looked_at = now
            with contextlib.suppress(StoreUnavailable):
                self.catch_up()
        return self._lease.is_running

    def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        lease = self._lease
        with self._looking:
            lease.doubt()
            while True:
                reading = lease.reading()
                entries = self._store.perform(ReadLog(lease.after, leases.PAGE))
                if lease.take(entries):
                    lease.complete(reading)
                    return

    @property
    def went_back(self) -> bool:
        """Whether the log lost what it must have; reads memory only."""
        return self._lease.went_back

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries."""
        self._lease.listeners.append(listener)

    def close(self) -> None:
        """Forget nothing: there is nothing open."""

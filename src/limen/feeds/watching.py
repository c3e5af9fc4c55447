"""Feeds for a log beside the process: it is looked at before a check.

SQLite counts commits in memory that all processes of a machine share, so whether there is
anything new costs microseconds. Under load that is more than the rest of the check, so checks
that follow each other at once share a look.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from contextvars import Context
from typing import TYPE_CHECKING, Final

from limen import forks
from limen.clock import elapsed_ns
from limen.errors import StoreUnavailable
from limen.feeds import lease as leases
from limen.feeds.lease import Lease
from limen.forks import Forkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from limen.clock import Clock
    from limen.ports import Listener, Watch
    from limen.revocation import RevocationView

_log = logging.getLogger("limen.feed")
# For how many nanoseconds a look is good. What this process revokes is looked at besides.
LOOK_NS: Final = 500_000


class BlockingWatchingFeed(Forkable):
    """Looks before a check unless it has just looked, from any thread."""

    def __init__(self, watch: Watch, clock: Clock, *, max_lag: int, look_ns: int = LOOK_NS) -> None:
        """Make the feed; `max_lag`, in milliseconds, is never needed while looks succeed."""
        self.max_lag = max_lag
        self._look_ns = look_ns
        self._watch = watch
        self._lease = Lease(clock, max_lag)
        self._looking = threading.Lock()
        self._behind = True  # until a look has come to its end
        self._looked_ns = 0
        forks.tell(self)

    def after_fork(self, *, child: bool) -> None:
        """Open a lock that a thread of the parent may have held, and look again."""
        if child:
            self._looking = threading.Lock()
            self._behind = True

    @property
    def view(self) -> RevocationView:
        """What is known of the log."""
        return self._lease.view

    def is_fresh(self) -> bool:
        """Take in what is new; false if that failed, and then nobody relies on the view."""
        if not self._behind and elapsed_ns() - self._looked_ns < self._look_ns:
            return True
        try:
            self.catch_up()
        except StoreUnavailable:
            return False
        return True

    def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        with self._looking:
            looking_ns = elapsed_ns()
            # Whatever ends this look early, even a signal: the watch tells of a change only once.
            behind, self._behind = self._behind, True
            try:
                # In this order: what is written in between is read now or seen by the next look.
                if self._watch.has_moved() or behind:
                    self._lease.doubt()  # a backup may be read into the very same file
                    self._read_on(self._lease)
            except StoreUnavailable:
                self._lease.doubt()
                raise
            self._looked_ns = looking_ns
            self._behind = False

    @property
    def went_back(self) -> bool:
        """Whether the log lost what it must have; reads memory only."""
        return self._lease.went_back

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries."""
        self._lease.listeners.append(listener)

    def _read_on(self, lease: Lease) -> None:
        while True:
            reading = lease.reading()
            if lease.take(self._watch.read(lease.after, leases.PAGE)):
                break
        lease.complete(reading)

    def close(self) -> None:
        """Let go of the log."""
        self._watch.close()


class WatchingFeed:
    """The same on an event loop; a task looks too, for those who wait without checking."""

    def __init__(
        self,
        watch: Watch,
        clock: Clock,
        *,
        max_lag: int,
        interval: int,
        on_key: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Make the feed; times are in milliseconds, `on_key` as in `FollowingFeed`."""
        self.max_lag = max_lag
        self._feed = BlockingWatchingFeed(watch, clock, max_lag=max_lag)
        self._lease = self._feed._lease
        self._interval_s = interval / 1000
        self._on_key = on_key
        self._task: asyncio.Task[None] | None = None

    @property
    def view(self) -> RevocationView:
        """What is known of the log."""
        return self._lease.view

    def is_fresh(self) -> bool:
        """Take in what is new; false if that failed, and then nobody relies on the view."""
        return self._feed.is_fresh()

    @property
    def went_back(self) -> bool:
        """Whether the log lost what it must have; reads memory only."""
        return self._lease.went_back

    def tell(self, listener: Listener) -> None:
        """Call `listener` with every batch of new entries."""
        self._lease.listeners.append(listener)

    async def start(self) -> None:
        """Read the whole live log; raises `StoreUnavailable`."""
        await self.catch_up()
        # In a context of its own: that of a request would live as long as the feed.
        task = asyncio.create_task(self._tick(), name="limen-revocation-feed", context=Context())
        self._task = task

    async def stop(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._feed.close()

    async def catch_up(self) -> None:
        """Read what is new; raises `StoreUnavailable`."""
        self._feed.catch_up()
        # Cleared first: a check may hear of another one while the keys are read.
        withdrawn, self._lease.key_withdrawn = self._lease.key_withdrawn, False
        if withdrawn and self._on_key is not None:
            try:
                await self._on_key()
            except BaseException:
                self._lease.key_withdrawn = True
                raise

    async def _tick(self) -> None:
        cut = False
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.catch_up()
            except StoreUnavailable as fault:
                if not cut:
                    _log.warning(
                        "the revocation log cannot be read, so every check asks the store: %s",
                        fault,
                    )
                cut = True
            except Exception:  # noqa: BLE001 - the task must outlive a fault that nobody foresaw
                _log.exception("a look at the revocation log failed and will be tried again")
            else:
                if cut:
                    _log.warning("the revocation log can be read again")
                cut = False

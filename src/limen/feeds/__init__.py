"""How a process hears of revocations that others made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.feeds.answers import coverage, position
from limen.feeds.following import BlockingFollowingFeed, FollowingFeed
from limen.feeds.watching import BlockingWatchingFeed, WatchingFeed
from limen.ports import Ringing, Watchable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from limen.clock import Clock
    from limen.ports import BlockingFeed, BlockingStore, Feed, Store

__all__ = [
    "BlockingFollowingFeed",
    "BlockingWatchingFeed",
    "FollowingFeed",
    "WatchingFeed",
    "blocking_feed_for",
    "coverage",
    "feed_for",
    "position",
]


def feed_for(
    store: Store,
    clock: Clock,
    *,
    max_lag: int,
    interval: int,
    on_key: Callable[[], Awaitable[object]] | None = None,
) -> Feed:
    """Return the best feed that a store allows. Times are in milliseconds."""
    watch = store.watch() if isinstance(store, Watchable) else None
    if watch is not None:
        return WatchingFeed(watch, clock, max_lag=max_lag, interval=interval, on_key=on_key)
    bell = store.bell() if isinstance(store, Ringing) else None
    return FollowingFeed(store, clock, max_lag=max_lag, interval=interval, bell=bell, on_key=on_key)


def blocking_feed_for(
    store: BlockingStore, clock: Clock, *, max_lag: int, interval: int
) -> BlockingFeed:
    """Return the best feed that a store allows to code that does not await."""
    watch = store.watch() if isinstance(store, Watchable) else None
    if watch is not None:
        return BlockingWatchingFeed(watch, clock, max_lag=max_lag)
    return BlockingFollowingFeed(store, clock, max_lag=max_lag, interval=interval)

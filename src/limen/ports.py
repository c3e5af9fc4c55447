"""What the engine needs from outside: a store and a revocation feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from limen.effects import AskFeed, Effect
    from limen.revocation import Coverage

A = TypeVar("A")


class Store(Protocol):
    """Keeps what the server must remember. Each `StoreEffect` is one atomic verb.

    The conformance kit is `limen.testing.StoreSuite`; whatever passes it is a store.
    """

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        ...

    async def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Release every connection."""
        ...


class BlockingStore(Protocol):
    """The same contract for code that does not await."""

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        ...

    def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


class Feed(Protocol):
    """One process's knowledge of the revocation log, kept up to date from outside.

    `answer` is called on every check, so it reads memory only. It says `STALE` as soon as
    the feed has heard nothing from the store for `max_lag` milliseconds.
    """

    max_lag: int

    def answer(self, question: AskFeed) -> Coverage:
        """Say whether the log refuses a credential, or that this view is too old to know."""
        ...

    async def start(self) -> None:
        """Read the whole live log, then keep following it until `stop`."""
        ...

    async def stop(self) -> None:
        """Stop following."""
        ...

    async def catch_up(self) -> None:
        """Read what is new right now; called after this process itself revoked something."""
        ...

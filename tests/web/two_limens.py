"""Two processes over one store, as two Limens in one: what one revokes the other may have open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from limens import QUICK

from limen import Authenticated, Authentication, Limen, Principal
from limen.clock import Clock
from limen.effects import Effect, FindSession
from limen.errors import StoreUnavailable
from limen.operations import SignedIn
from limen.stores.memory import MemoryStore


class WatchedStore(MemoryStore):
    """A memory store that tells a test of reads, and whose log or all of which can be cut."""

    cut: tuple[type, ...] = ()
    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None

    async def perform(self, effect: Effect[Any]) -> Any:
        if isinstance(effect, self.cut):
            raise StoreUnavailable("cut")
        if not isinstance(effect, FindSession) or effect.id is None:
            return await super().perform(effect)
        before, self.before = self.before, None
        if before is not None:
            await before()
        answer = await super().perform(effect)
        after, self.after = self.after, None
        if after is not None:
            await after()
        return answer


class Two:
    """Two processes over one store: one where connections are open, one that revokes."""

    def __init__(self, store: WatchedStore, there: Limen, here: Limen) -> None:
        self.store, self.there, self.here = store, there, here

    async def principal(self, subject: str = "ada") -> Principal:
        now = self.here.assembly.clock.now()
        signed_in = await self.here.remember(Authentication(subject, now))
        assert isinstance(signed_in, SignedIn)
        verdict = await self.there.authenticate(signed_in.issued.access.reveal())
        assert isinstance(verdict, Authenticated)
        return verdict.principal

    async def bearer(self, subject: str = "ada") -> tuple[bytes, bytes]:
        """Return the header line of a new sign-in."""
        now = self.there.assembly.clock.now()
        signed_in = await self.there.remember(Authentication(subject, now))
        assert isinstance(signed_in, SignedIn)
        return b"authorization", f"Bearer {signed_in.issued.access.reveal()}".encode()

    async def hear(self) -> None:
        if self.there._feed is not None:
            await self.there._feed.catch_up()

    @property
    def left(self) -> int:
        kept = self.there._connections
        return sum(map(len, [kept._sessions, kept._subjects, kept._keys, kept._timers]))


@asynccontextmanager
async def two(strategy: Any, clock: Clock | None = None, **options: Any) -> AsyncIterator[Two]:
    store = WatchedStore()
    there = Limen(strategy, **QUICK, store=store, clock=clock, **options)
    async with there, Limen(strategy, **QUICK, store=store, clock=clock) as here:
        yield Two(store, there, here)

"""The two Redis stores: one that is awaited and one that is not, over the same verbs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from limen.effects import Access, Ended, ReadLog
from limen.errors import StoreUnavailable
from limen.stores.redis.bell import RedisBell
from limen.stores.redis.connections import POOL_SIZE, TIMEOUT_MS, BlockingConnections, Connections
from limen.stores.redis.faults import FAULTS, unavailable
from limen.stores.redis.reconcile import reconcile
from limen.stores.redis.steps import Home, Reconcile, Run
from limen.stores.redis.verbs import steps

if TYPE_CHECKING:
    from limen.effects import Effect, StoreEffect
    from limen.ports import BlockingStore, Store
    from limen.stores.redis.steps import Steps

A = TypeVar("A")
R = TypeVar("R")

# Reads nothing, and fails if Redis cannot be asked.
_GREETING: Final = ReadLog(1 << 52, 1)


# Below every number of the log. Whoever was answered once tells a Redis that was emptied by it:
# there was a state before this one, though nothing in it had ended.
_ANSWERED: Final = 1


def _seq_of(effect: Effect[Any], answer: object) -> int:
    """Return the highest number of the log that an answer shows."""
    if isinstance(answer, Ended):
        return answer.seq or _ANSWERED
    if isinstance(effect, ReadLog) and isinstance(answer, tuple) and answer:
        return int(answer[-1].seq)
    return _ANSWERED


def _too_long() -> StoreUnavailable:
    return StoreUnavailable("Redis is being told what was revoked, which takes longer than usual")


class RedisStore:
    """Sessions, limits and the revocation log in Redis or Valkey, for one event loop.

    `home` keeps what must never be lost: accounts, keys, single-use tickets, and what was
    revoked, so that a Redis that comes back from an old state is told again. `timeout_ms`
    limits every wait. Raises `ConfigurationError` for a URL that it cannot serve.
    """

    recovers = True  # what it forgets, `reconcile` ends again before it is asked anything

    def __init__(
        self,
        url: str,
        home: Store,
        *,
        timeout_ms: int = TIMEOUT_MS,
        pool_size: int = POOL_SIZE,
    ) -> None:
        self._url = url
        self._timeout_ms = timeout_ms
        self._home = home
        self._connections = Connections(url, timeout_ms, pool_size)
        self._seen = 0
        self._unfinished: set[asyncio.Future[object]] = set()
        self._reconciling: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<RedisStore over {self._home!r}>"

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        verb = steps(cast("StoreEffect", effect))
        if effect.access is Access.WRITE:
            answer = await self._write(verb)
        else:
            answer = await self._drive(verb)
        self._seen = max(self._seen, _seq_of(effect, answer))
        return cast("A", answer)

    async def _write(self, verb: Steps[object]) -> object:
        """Take every step even if whoever waits is cancelled: an account may be marked."""
        writing = asyncio.ensure_future(self._drive(verb))
        self._unfinished.add(writing)
        writing.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(writing)

    async def _drive(self, verb: Steps[R]) -> R:
        answer: object = None
        while True:
            try:
                step = verb.send(answer)
            except StopIteration as end:
                return cast("R", end.value)
            match step:
                case Run(script, arguments):
                    try:
                        answer = await self._connections.run(script, self._seen, arguments)
                    except FAULTS as error:
                        fault: StoreUnavailable | None = unavailable(error)
                    else:
                        fault = None
                    if fault is not None:
                        raise fault
                case Home(effect):
                    answer = await self._home.perform(effect)
                case Reconcile():
                    await self._reconcile()

    async def _reconcile(self) -> None:
        """Reconcile once for everybody who waits; it goes on if that takes too long for one."""
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = asyncio.create_task(
                self._drive(reconcile()), name="limen-reconcile"
            )
            # Whoever waits is told; if nobody waits any more, the next one tries again.
            self._reconciling.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                return await asyncio.shield(self._reconciling)
        except TimeoutError:
            fault = _too_long()
        raise fault

    async def open(self) -> None:
        """Open the home and connect; raises `MigrationNeeded` or `StoreUnavailable`."""
        await self._home.open()
        await self.perform(_GREETING)

    async def close(self) -> None:
        """Finish what was begun and release every connection, also of the home."""
        pending: set[asyncio.Future[Any]] = {*self._unfinished}
        if self._reconciling is not None:
            pending.add(self._reconciling)
        if pending:
            await asyncio.wait(pending, timeout=self._timeout_ms / 1000)
        if self._reconciling is not None:
            self._reconciling.cancel()
        await self._connections.close()
        await self._home.close()

    def bell(self) -> RedisBell:
        """Return what hears of new entries in the log."""
        return RedisBell(self._url, self._timeout_ms)


class BlockingRedisStore:
    """The same store for code that does not await. Thread-safe."""

    recovers = True  # what it forgets, `reconcile` ends again before it is asked anything

    def __init__(
        self,
        url: str,
        home: BlockingStore,
        *,
        timeout_ms: int = TIMEOUT_MS,
        pool_size: int = POOL_SIZE,
    ) -> None:
        self._timeout_ms = timeout_ms
        self._home = home
        self._connections = BlockingConnections(url, timeout_ms, pool_size)
        self._seen = 0
        self._reconciling = threading.Lock()

    def __repr__(self) -> str:
        return f"<BlockingRedisStore over {self._home!r}>"

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        answer = self._drive(steps(cast("StoreEffect", effect)))
        self._seen = max(self._seen, _seq_of(effect, answer))
        return cast("A", answer)

    def _drive(self, verb: Steps[R]) -> R:
        answer: object = None
        while True:
            try:
                step = verb.send(answer)
            except StopIteration as end:
                return cast("R", end.value)
            match step:
                case Run(script, arguments):
                    try:
                        answer = self._connections.run(script, self._seen, arguments)
                    except FAULTS as error:
                        fault: StoreUnavailable | None = unavailable(error)
                    else:
                        fault = None
                    if fault is not None:
                        raise fault
                case Home(effect):
                    answer = self._home.perform(effect)
                case Reconcile():
                    self._reconcile()

    def _reconcile(self) -> None:
        if not self._reconciling.acquire(timeout=self._timeout_ms / 1000):
            raise _too_long()
        try:
            self._drive(reconcile())
        finally:
            self._reconciling.release()

    def open(self) -> None:
        """Open the home and connect; raises `MigrationNeeded` or `StoreUnavailable`."""
        self._home.open()
        self.perform(_GREETING)

    def close(self) -> None:
        """Release every connection, also of the home."""
        self._connections.close()
        self._home.close()

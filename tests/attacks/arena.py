"""One store under attack: two processes' worth of Limen over it, and the clock they share."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from limens import NO_BUDGET, QUICK
from servers import PostgresServer, RedisServer
from stormed_app import build

from limen import Limen, Settings
from limen.assembly import KEY_COOLDOWN
from limen.audit import AuditEvent, AuditPolicy
from limen.effects import ReadLog, RefreshKeys, ask
from limen.errors import StoreUnavailable
from limen.revocation import Target
from limen.stores.redis import RedisStore
from limen.stores.sql import migrate, open_store
from limen.testing import FrozenClock
from limen.trace import RingSink

if TYPE_CHECKING:
    from limen.letter import Letter

R = TypeVar("R")
ORIGIN = "https://app.example"
PATIENCE_S = 60
# So that a slow machine does not end the lease of a feed; tests move the other clock.
MAX_LAG_S = 60

# A clock that stands still would count every attack of the suite as one siege.
_UNLIMITED = {one.name: NO_BUDGET for one in fields(Settings) if one.name.endswith("_budget")}


class Loop:
    """An event loop in a thread of its own; tests ask it for answers and wait."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="attacked")
        self._thread.start()

    def run(self, work: Awaitable[R]) -> R:
        async def awaited() -> R:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(PATIENCE_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


class Muffled:
    """A store whose log cannot be read while it is `deaf`, as for a process that is cut off."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.deaf = False
        self.asked: list[str] = []  # the names of the effects

    async def perform(self, effect: Any) -> Any:
        self.asked.append(type(effect).__name__)
        if self.deaf and isinstance(effect, ReadLog):
            raise StoreUnavailable("the log is out of reach")
        return await self._store.perform(effect)

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()


class Letterbox:
    """A mailer that keeps what it is given."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._arrived = threading.Condition()

    async def send(self, letter: Letter) -> None:
        with self._arrived:
            self._letters.append(letter)
            self._arrived.notify_all()

    def link(self, to: str, purpose: str) -> str:
        """Wait for a letter to an address and return the link in it."""

        def found() -> list[str]:
            return [one.link for one in self._letters if (one.to, one.purpose) == (to, purpose)]

        with self._arrived:
            assert self._arrived.wait_for(found, PATIENCE_S), f"no letter {purpose} for {to}"
            return found()[-1]


class Node:
    """One process: a Limen of its own and an application in front of it."""

    def __init__(self, loop: Loop, auth: Limen, letters: Letterbox) -> None:
        self.loop = loop
        self.auth = auth
        self.letters = letters
        self.app = build(auth)

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        return self.loop.run(work)

    @property
    def bound(self) -> int:
        """The window that is promised, in milliseconds."""
        return self.auth.assembly.parts.primary.guarantees.revocation_window


class World:
    """A store and its two processes under one strategy.

    `near` is untraced and takes every short cut there is. `far` is traced, follows the log
    like a process on another machine, and can be made deaf to it.
    """

    def __init__(self, loop: Loop, strategy: str, options: dict[str, Any], home: Path) -> None:
        self.loop = loop
        self.home = home
        self.strategy = strategy
        self.options = options
        self.clock = FrozenClock()
        self.letters = Letterbox()
        self.sink = RingSink(20_000)
        self.muffled = Muffled(self.store())
        self.near = self.node()
        self.far = self.node(store=self.muffled, sink=self.sink)

    def store(self) -> Any:
        """Return another connection to the store."""
        home = open_store(self.options["database"])
        return RedisStore(self.options["redis"], home) if "redis" in self.options else home

    def node(self, **changes: Any) -> Node:
        """Open a process; whoever asks for one of its own closes it."""
        options: dict[str, Any] = {
            **QUICK,
            **_UNLIMITED,
            "clock": self.clock,
            "base_url": ORIGIN,
            "max_lag": MAX_LAG_S,
            "mailer": self.letters,
            "audit": AuditPolicy(per_minute=10_000),
        }
        if "store" not in changes:
            options.update(self.options)
        strategy = changes.pop("strategy", self.strategy)
        auth = Limen(strategy, **(options | changes))
        self.loop.run(auth.open())
        return Node(self.loop, auth, self.letters)

    def begin(self) -> None:
        """Let both processes know the keys that the last attack has left, as a minute would.

        From a whole second on, since tokens end with one: no attack depends on the one before it.
        """
        self.sink.clear()
        self.clock.advance(KEY_COOLDOWN + -self.clock.now() % 1_000)
        for node in (self.near, self.far):
            node.run(node.auth.run(ask(RefreshKeys())))

    def listen(self) -> None:
        """Let both processes read the log: whoever ends a session looks at it."""
        for node in (self.near, self.far):
            node.run(node.auth.revoke(Target.session("ses_of_nobody")))

    def audited_since(self, seq: int, *, newest: bool = False) -> tuple[AuditEvent, ...]:
        """Return what the audit log says after an event, or its newest one alone."""
        limit = 1 if newest else 10_000
        return self.near.run(self.near.auth.audit(after=seq, forward=not newest, limit=limit))

    def close(self) -> None:
        for node in (self.near, self.far):
            self.loop.run(node.auth.close())


@contextlib.contextmanager
def worlds(
    postgresql: Callable[[], PostgresServer], home: Path
) -> Iterator[Callable[[str, str], World]]:
    """Give a function that returns the world of a strategy and a store, opened once."""
    with contextlib.ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        opened: dict[tuple[str, str], World] = {}

        def options(strategy: str, store: str) -> dict[str, Any]:
            if store == "postgresql":
                return {"database": postgresql().database()}
            kept = {"database": f"sqlite+aiosqlite:///{home / f'{strategy}-{store}.db'}"}
            migrate(kept["database"])
            if store == "redis":
                server = RedisServer()
                stack.callback(server.remove)
                kept["redis"] = server.url
            return kept

        def world(strategy: str, store: str) -> World:
            if (strategy, store) not in opened:
                made = World(loop, strategy, options(strategy, store), home)
                stack.callback(made.close)
                opened[strategy, store] = made
            return opened[strategy, store]

        yield world

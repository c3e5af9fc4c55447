"""What the tests of the Redis stores share: a home that fails where a test wants it to."""

from __future__ import annotations

import time
from collections.abc import Callable

from servers import RedisServer

from limen.effects import Effect, FindRefresh, FindSession, OpenSession
from limen.errors import StoreUnavailable
from limen.session import Opened
from limen.stores.redis import BlockingRedisStore
from limen.stores.sql import BlockingSqlStore
from limen.testing.store_cases.case import MINUTE, digest, session

PATIENCE_MS = 60_000  # a busy machine is no fault


def now() -> int:
    """Return the time of day: what Redis is told again depends on its own clock."""
    return time.time_ns() // 1_000_000


START = now()
WHO = "usr_ada"


class Home:
    """A real home. `before` and `after` are called around an effect of a kind, once each."""

    def __init__(self, database: str) -> None:
        self._store = BlockingSqlStore(database, timeout_ms=PATIENCE_MS)
        self.before: tuple[type, Callable[[], None]] | None = None
        self.after: tuple[type, Callable[[], None]] | None = None

    def perform(self, effect: Effect):
        before, after = self.before, self.after
        if before is not None and isinstance(effect, before[0]):
            self.before = None
            before[1]()
        answer = self._store.perform(effect)
        if after is not None and isinstance(effect, after[0]):
            self.after = None
            after[1]()
        return answer

    def open(self) -> None:
        self._store.open()

    def close(self) -> None:
        self._store.close()


def crash() -> None:
    """Fail as a home does that was lost at this moment."""
    raise StoreUnavailable("the home was lost")


def store_over(url: str, database: str, **options) -> tuple[BlockingRedisStore, Home]:
    """Return a store and its home."""
    home = Home(database)
    return BlockingRedisStore(url, home, **{"timeout_ms": PATIENCE_MS, **options}), home


def begin(store: BlockingRedisStore, name: str, subject: str = WHO, **changes) -> None:
    """Open a session of real time."""
    times = {"authenticated_at": START, "created_at": START, "used_at": START}
    new = session(name, subject, **{**times, "expires_at": START + 100 * MINUTE, **changes})
    opening = OpenSession(new, None, digest(f"ref {name}"), digest(f"fresh {name}"))
    assert isinstance(store.perform(opening), Opened)


def living(store: BlockingRedisStore, *names: str) -> set[str]:
    """Return which of the sessions live, by each of their credentials."""
    found = set()
    for name in names:
        ways = (
            FindSession(id=f"ses_{name}"),
            FindSession(digest=digest(f"ref {name}")),
            FindRefresh(digest(f"fresh {name}"), START + MINUTE, 2 * MINUTE),
        )
        seen = [store.perform(way) is not None for way in ways]
        assert seen in ([True] * 3, [False] * 3)
        found |= {name} if seen[0] else set()
    return found


def restart_from(server: RedisServer) -> None:
    """Kill it and start it from its last snapshot."""
    server.kill()
    server.start()

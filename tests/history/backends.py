"""The stores that a run can use: each is started, killed and reached by a port of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from proxy import Proxy
from servers import PostgresServer, RedisServer

from limen.stores.sql import migrate


class Backend(Protocol):
    """One store; `renew` gives each run an empty one."""

    name: str

    def renew(self, place: Path) -> None:
        """Begin with nothing but the tables; files go into `place`."""
        ...

    def options(self, *, proxied: bool) -> dict[str, Any]:
        """Return what a Limen is given to use it, through the proxy or past it."""
        ...


class Sqlite:
    """A file; there is no server, but somebody may keep its write lock."""

    name = "sqlite"

    def renew(self, place: Path) -> None:
        """Make another file."""
        self._file = place / "limen.db"
        self.url = f"sqlite+aiosqlite:///{self._file}"
        migrate(self.url)

    def options(self, *, proxied: bool) -> dict[str, Any]:
        """Return the URL; there is nothing to be a proxy of."""
        assert not proxied
        return {"database": self.url}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every writer waiting."""
        with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as rival:
            rival.execute("BEGIN IMMEDIATE")
            yield
            rival.execute("ROLLBACK")

    def is_locked(self, for_s: float) -> bool:
        """Tell whether somebody keeps the write lock for so long."""
        with closing(sqlite3.connect(self._file, timeout=for_s, isolation_level=None)) as rival:
            try:
                rival.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            rival.execute("ROLLBACK")
            return False


class Postgresql:
    """Databases of a PostgreSQL that no other test uses. Whatever it confirms, it keeps."""

    name = "postgresql"
    MARK = b"LISTEN"  # what only the connection of the feed says
    forgets = False

    def __init__(self, server: PostgresServer, proxy: Proxy) -> None:
        self.proxy = proxy
        self._server = server
        self.kill, self.start = server.kill, server.start

    def renew(self, place: Path) -> None:
        """Make another database."""
        del place
        self._url = self._server.database()

    def options(self, *, proxied: bool) -> dict[str, Any]:
        """Return the URL, with the proxy's port in it if it is to be used."""
        port = self.proxy.port if proxied else self._server.port
        return {"database": self._url.replace(f":{self._server.port}/", f":{port}/")}


class Redis:
    """A Redis that writes nothing down by itself, and a SQLite file that is its home."""

    name = "redis"
    MARK = b"XREAD"
    forgets = True  # a kill -9 costs it everything since its last snapshot

    def __init__(self, server: RedisServer, proxy: Proxy) -> None:
        self.proxy = proxy
        self._server = server
        self._home = Sqlite()
        self.kill, self.start, self.snapshot = server.kill, server.start, server.snapshot

    def renew(self, place: Path) -> None:
        """Empty it, its snapshot included, and make another home."""
        self._home.renew(place)
        self.flush()
        self.snapshot()

    def options(self, *, proxied: bool) -> dict[str, Any]:
        """Return both URLs; only Redis is behind the proxy."""
        port = self.proxy.port if proxied else self._server.port
        return {"database": self._home.url, "redis": f"redis://127.0.0.1:{port}/0"}

    def flush(self) -> None:
        """Delete everything."""
        with self._server.client() as client:
            client.flushall()


@contextmanager
def sqlite() -> Iterator[Sqlite]:
    """Give SQLite, which needs no server."""
    yield Sqlite()


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """Start a PostgreSQL with a proxy before it."""
    server = PostgresServer()
    try:
        with Proxy(server.port, marks=(Postgresql.MARK,)) as proxy:
            yield Postgresql(server, proxy)
    finally:
        server.remove()


@contextmanager
def redis() -> Iterator[Redis]:
    """Start a Redis with a proxy before it."""
    server = RedisServer()
    try:
        with Proxy(server.port, marks=(Redis.MARK,)) as proxy:
            yield Redis(server, proxy)
    finally:
        server.remove()


# What a run may use, by name.
BACKENDS: Final[dict[str, Callable[[], AbstractContextManager[Backend]]]] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
    "redis": redis,
}

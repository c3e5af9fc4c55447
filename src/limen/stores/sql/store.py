"""The two SQL stores: one that is awaited and one that is not, over the same verbs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from limen import forks
from limen.effects import Access
from limen.errors import ConfigurationError
from limen.forks import Forkable
from limen.stores.sql.database import (
    POOL_SIZE,
    TIMEOUT_MS,
    async_engine,
    blocking_engine,
    reading_options,
    writing_options,
)
from limen.stores.sql.faults import FAULTS, unavailable
from limen.stores.sql.local import LocalReader, LocalWatch, file_of
from limen.stores.sql.schema import check_revision
from limen.stores.sql.verbs import answer

if TYPE_CHECKING:
    from limen.effects import Effect, StoreEffect
    from limen.ports import Bell

A = TypeVar("A")


class SqlStore:
    """A store in SQLite or PostgreSQL, for one event loop.

    `timeout_ms` limits every wait: for a connection, a lock or an answer. It connects when
    it is first used and reconnects by itself. Raises `ConfigurationError` for a URL that
    it cannot serve.
    """

    def __init__(
        self, url: str, *, timeout_ms: int = TIMEOUT_MS, pool_size: int = POOL_SIZE
    ) -> None:
        self._url = url
        self._timeout_ms = timeout_ms
        self._file = file_of(url)
        self._local = LocalReader(self._file) if self._file is not None else None
        self._engine = async_engine(url, timeout_ms, pool_size)
        backend = self._engine.dialect.name
        self._reading = self._engine.execution_options(**reading_options(backend))
        self._writing = self._engine.execution_options(**writing_options(backend))
        self._unfinished: set[asyncio.Future[object]] = set()
        self._depth = forks.depth()

    def __repr__(self) -> str:
        return f"<SqlStore {self._engine.dialect.name}>"

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        asked = cast("StoreEffect", effect)
        if self._depth != forks.depth():
            raise ConfigurationError(
                "store",
                "was made before this process was forked, and nothing of it works here.",
                "Make Limen in each worker, or let multiprocessing spawn its processes.",
            )
        if self._local is not None and effect.access is Access.READ:
            found = self._local.answer(effect)
            if found is not NotImplemented:
                return cast("A", found)
        try:
            if effect.access is Access.WRITE:
                return cast("A", await self._write(asked))
            return cast("A", await self._read(asked))
        except FAULTS as error:
            fault = unavailable(error)
        raise fault

    async def _read(self, asked: StoreEffect) -> object:
        try:
            return await self._read_once(asked)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The server was restarted and we had not heard of it. To read again does no harm, and
        # every connection from before has been let go.
        return await self._read_once(asked)

    async def _read_once(self, asked: StoreEffect) -> object:
        async with self._reading.connect() as connection:
            return await connection.run_sync(answer, asked)

    async def _write(self, asked: StoreEffect) -> object:
        """Run a transaction to its end even if whoever waits for it is cancelled.

        A write that stops half-way would keep its lock, and with it every other writer.
        """
        writing = asyncio.ensure_future(self._transact(asked))
        self._unfinished.add(writing)
        writing.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(writing)

    async def _transact(self, asked: StoreEffect) -> object:
        async with self._writing.begin() as connection:
            return await connection.run_sync(answer, asked)

    async def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        try:
            async with self._reading.connect() as connection:
                return await connection.run_sync(check_revision)
        except FAULTS as error:
            fault = unavailable(error)
        raise fault

    async def close(self) -> None:
        """Let writes that nobody waits for any more come to their end, release every connection."""
        if self._unfinished:
            await asyncio.wait(self._unfinished, timeout=self._timeout_ms / 1000)
        if self._local is not None:
            self._local.close()
        await self._engine.dispose()

    def reader(self) -> LocalReader | None:
        """Return what reads a SQLite file at once; not for a class derived from this one."""
        return self._local if type(self) is SqlStore else None

    def watch(self) -> LocalWatch | None:
        """Return a watch on the log of a SQLite file."""
        return LocalWatch(self._file) if self._file is not None else None

    def bell(self) -> Bell | None:
        """Return what hears of new entries in PostgreSQL."""
        if self._local is not None:
            return None
        # Imported here so that SQLite does without the driver.
        from limen.stores.sql.bell import PostgresBell  # noqa: PLC0415

        return PostgresBell(self._url, self._timeout_ms)


class BlockingSqlStore(Forkable):
    """The same store for code that does not await. Thread-safe."""

    def __init__(
        self, url: str, *, timeout_ms: int = TIMEOUT_MS, pool_size: int = POOL_SIZE
    ) -> None:
        self._url = url
        self._file = file_of(url)
        self._local = LocalReader(self._file) if self._file is not None else None
        self._engine = blocking_engine(url, timeout_ms, pool_size)
        backend = self._engine.dialect.name
        self._reading = self._engine.execution_options(**reading_options(backend))
        self._writing = self._engine.execution_options(**writing_options(backend))
        self._depth = forks.depth()
        forks.tell(self)

    def __repr__(self) -> str:
        return f"<BlockingSqlStore {self._engine.dialect.name}>"

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all; raises `StoreUnavailable`."""
        self._leave_to_parent()
        asked = cast("StoreEffect", effect)
        if self._local is not None and effect.access is Access.READ:
            found = self._local.answer(effect)
            if found is not NotImplemented:
                return cast("A", found)
        try:
            if effect.access is Access.WRITE:
                with self._writing.begin() as connection:
                    return cast("A", answer(connection, asked))
            with self._reading.connect() as connection:
                return cast("A", answer(connection, asked))
        except FAULTS as error:
            fault = unavailable(error)
        raise fault

    def _leave_to_parent(self) -> None:
        """Let go of connections that came through a fork.

        On one line with the parent, each would read the answers to the other's questions.
        """
        if self._depth != forks.depth():
            self._engine.dispose(close=False)
            self._depth = forks.depth()

    def before_fork(self) -> None:
        """Close the connections to a SQLite file; the pool connects again by itself."""
        if self._file is not None:
            self._engine.dispose()

    def open(self) -> None:
        """Connect and check the tables; raises `MigrationNeeded` or `StoreUnavailable`."""
        self._leave_to_parent()
        try:
            with self._reading.connect() as connection:
                return check_revision(connection)
        except FAULTS as error:
            fault = unavailable(error)
        raise fault

    def close(self) -> None:
        """Release every connection."""
        if self._local is not None:
            self._local.close()
        self._engine.dispose()

    def reader(self) -> LocalReader | None:
        """Return what reads a SQLite file at once; not for a class derived from this one."""
        return self._local if type(self) is BlockingSqlStore else None

    def watch(self) -> LocalWatch | None:
        """Return a watch on the log of a SQLite file."""
        return LocalWatch(self._file) if self._file is not None else None


def open_store(url: str) -> SqlStore:
    """Return a store for a database URL such as `sqlite+aiosqlite:///app.db`."""
    return SqlStore(url)


def open_blocking_store(url: str) -> BlockingSqlStore:
    """Return a blocking store for the same URL; the driver is exchanged for a blocking one."""
    return BlockingSqlStore(url)

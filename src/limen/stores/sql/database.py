"""From a database URL to an engine that begins, waits and fails as the verbs expect."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from limen.clock import elapsed_ns
from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# How long anything may wait: for a connection, for a lock, for an answer.
TIMEOUT_MS: Final = 5_000
# Connections kept, and how many more a burst may add.
POOL_SIZE: Final = 10
POOL_OVERFLOW: Final = 10
# After how long without use a connection is asked whether it still works.
IDLE_MS: Final = 10_000

_ASYNC_DRIVERS: Final = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}
_BLOCKING_DRIVERS: Final = {"sqlite": "pysqlite", "postgresql": "psycopg"}
_EXAMPLES: Final = "Use sqlite+aiosqlite:///app.db or postgresql+asyncpg://user:password@host/name."
_TRY_AGAIN_S: Final = 0.01
_BEGIN: Final = "limen_begin"
_IDLE_SINCE: Final = "limen_idle_since"

E = TypeVar("E", Engine, AsyncEngine)


def async_engine(url: str, timeout_ms: int, pool_size: int) -> AsyncEngine:
    """Return an engine for code that awaits; raises `ConfigurationError`."""
    parsed = _parsed(url, _ASYNC_DRIVERS)
    engine = _created(create_async_engine, parsed, timeout_ms, pool_size)
    _prepare(engine.sync_engine, timeout_ms)
    return engine


def postgresql_options(url: str) -> dict[str, Any]:
    """Return what asyncpg connects with, for a connection outside the pool."""
    parsed = _parsed(url, _ASYNC_DRIVERS)
    _, options = parsed.get_dialect()().create_connect_args(parsed)
    return dict(options)


def sqlite_options(url: str) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return what `sqlite3.connect` takes, for a connection outside the pool."""
    parsed = _parsed(url, _BLOCKING_DRIVERS)
    arguments, options = parsed.get_dialect()().create_connect_args(parsed)
    return arguments, dict(options)


def missing_file(url: str) -> str | None:
    """Return the SQLite file that a URL names if it is not there; raises `ConfigurationError`."""
    if not is_sqlite(url):
        return None
    name = str(sqlite_options(url)[0][0])
    # With `uri=true` it is no path but a URL of SQLite's own.
    return None if name.startswith("file:") or Path(name).is_file() else name


def is_sqlite(url: str) -> bool:
    """Tell whether a URL names a SQLite file; raises `ConfigurationError`."""
    return _parsed(url, _BLOCKING_DRIVERS).get_backend_name() == "sqlite"


def blocking_engine(url: str, timeout_ms: int, pool_size: int) -> Engine:
    """Return an engine for code that does not await; raises `ConfigurationError`."""
    parsed = _parsed(url, _BLOCKING_DRIVERS)
    engine = _created(create_engine, parsed, timeout_ms, pool_size)
    _prepare(engine, timeout_ms)
    return engine


def reading_options(backend: str) -> dict[str, Any]:
    """Return the execution options of a verb that reads: one statement, no transaction.

    On SQLite the driver begins nothing by itself (see `_connect_args`).
    """
    return {"isolation_level": "AUTOCOMMIT"} if backend == "postgresql" else {}


def writing_options(backend: str) -> dict[str, Any]:
    """Return the execution options of a verb that writes.

    BEGIN IMMEDIATE takes SQLite's write lock before the first read, so that no decision
    rests on what another writer is about to change.
    """
    return {_BEGIN: "BEGIN IMMEDIATE"} if backend == "sqlite" else {}


def _parsed(text: str, drivers: Mapping[str, str]) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None:  # outside the handler: the error would carry the URL and its password
        raise ConfigurationError("database", "is not a database URL.", _EXAMPLES)
    backend = "postgresql" if url.drivername == "postgres" else url.get_backend_name()
    if backend not in drivers:
        raise ConfigurationError("database", f"{backend} is not supported.", _EXAMPLES)
    if backend == "sqlite" and _in_memory(url):
        raise ConfigurationError(
            "database",
            "an in-memory SQLite database vanishes with its connection.",
            "Use the memory store or a file.",
        )
    return _with_tls(url.set(drivername=f"{backend}+{drivers[backend]}"), drivers[backend])


def _in_memory(url: URL) -> bool:
    name = url.database or ""
    return name in ("", ":memory:") or ":memory:" in name or "memory" in url.query.get("mode", "")


def _with_tls(url: URL, driver: str) -> URL:
    """Spell the TLS mode as the driver does: asyncpg says `ssl`, libpq `sslmode`."""
    theirs, ours = {"asyncpg": ("sslmode", "ssl"), "psycopg": ("ssl", "sslmode")}.get(
        driver, ("", "")
    )
    if theirs not in url.query:
        return url
    mode = url.query[theirs]
    return url.difference_update_query([theirs]).update_query_dict({ours: mode})


def _created(create: Callable[..., E], url: URL, timeout_ms: int, pool_size: int) -> E:
    try:
        return create(
            url,
            # What a statement was given never appears in an error or a log.
            hide_parameters=True,
            # A server that was restarted is noticed before a request meets it; how asyncpg
            # notices, see `_notice_what_is_gone`.
            pool_pre_ping=url.get_driver_name() == "psycopg",
            pool_size=pool_size,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=timeout_ms / 1000,
            connect_args=_connect_args(url, timeout_ms),
        )
    except ModuleNotFoundError as error:
        backend = url.get_backend_name()
        raise ConfigurationError(
            "database", f"the driver {error.name} is missing.", f"Install limen[{backend}]."
        ) from error


def _connect_args(url: URL, timeout_ms: int) -> dict[str, Any]:
    seconds = timeout_ms / 1000
    match url.get_driver_name():
        case "asyncpg":
            settings = {"statement_timeout": str(timeout_ms), "application_name": "limen"}
            return {
                "timeout": seconds,
                "command_timeout": seconds,
                "server_settings": settings,
            }
        case "psycopg":
            return {
                "connect_timeout": max(2, -(-timeout_ms // 1000)),  # libpq's least is 2 s
                "tcp_user_timeout": timeout_ms,
                "options": f"-c statement_timeout={timeout_ms}",
                "application_name": "limen",
            }
        case _:
            # `None` keeps the driver from beginning transactions on its own.
            return {"timeout": seconds, "isolation_level": None}


def _prepare(engine: Engine, timeout_ms: int) -> None:
    match engine.dialect.driver:
        case "asyncpg":
            _notice_what_is_gone(engine)
        case "aiosqlite" | "pysqlite":
            _prepare_sqlite(engine, timeout_ms)


def _notice_what_is_gone(engine: Engine) -> None:
    """Replace a connection that its server has closed, without a question to the server.

    The event loop hears of the end of a connection by itself. Only what lay idle for long
    is asked, for a router on the way may have forgotten it. SQLAlchemy's `pool_pre_ping`
    would ask each time, in a transaction: three round trips before every read.
    """

    def on_checkin(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = elapsed_ns()

    def on_checkout(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        driver: Any = record.driver_connection
        if driver.is_closed():
            raise DisconnectionError("the server has closed this connection")
        idle_ns = elapsed_ns() - record.info.get(_IDLE_SINCE, elapsed_ns())
        if idle_ns > IDLE_MS * 1_000_000:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError("this connection answers no more") from error

    event.listen(engine, "checkin", on_checkin)
    event.listen(engine, "checkout", on_checkout)


def _prepare_sqlite(engine: Engine, timeout_ms: int) -> None:
    def on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(timeout_ms)}")
        _write_ahead(cursor, timeout_ms)
        # FULL and not NORMAL: NORMAL may lose the last commits with the power, and a
        # revocation that was confirmed and then lost would let a thief back in.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get(_BEGIN)
        if begin is not None:
            connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _write_ahead(cursor: DBAPICursor, timeout_ms: int) -> None:
    """Turn the write-ahead log on, which a file remembers.

    Two processes that open a new file at once lock each other out, and SQLite does not wait
    in that case, whatever its timeout.
    """
    give_up_at = elapsed_ns() + timeout_ms * 1_000_000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if elapsed_ns() > give_up_at:
                raise
            time.sleep(_TRY_AGAIN_S)
        else:
            return

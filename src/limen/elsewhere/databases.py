"""Connections to databases that belong to somebody else: they read, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from limen.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry

TIMEOUT_S: Final = 5
POOL_SIZE: Final = 5
_BLOCKING: Final = {"sqlite": "pysqlite", "postgresql": "psycopg"}
_AWAITED: Final = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}
_EXAMPLES: Final = "Use sqlite:///their.db or postgresql://user:password@host/name."


def blocking_engine(url: str, setting: str) -> Engine:
    """Return an engine for a command; raises `ConfigurationError` about `setting`."""
    parsed = _parsed(url, _BLOCKING, setting)
    _check_file(parsed, setting)
    # Whoever imports reads long tables, so no statement has a time limit here.
    arguments: dict[str, Any] = {}
    if parsed.get_backend_name() == "postgresql":
        arguments = {
            "connect_timeout": TIMEOUT_S,
            "options": "-c default_transaction_read_only=on",
        }
    engine = create_engine(parsed, hide_parameters=True, connect_args=arguments)
    _read_only(engine)
    return engine


def awaited_engine(url: str, setting: str) -> AsyncEngine:
    """Return an engine for requests, with limits on everything that it may wait for."""
    parsed = _parsed(url, _AWAITED, setting)
    arguments: dict[str, Any] = {"timeout": TIMEOUT_S}
    if parsed.get_backend_name() == "postgresql":
        arguments["command_timeout"] = TIMEOUT_S
        arguments["server_settings"] = {"default_transaction_read_only": "on"}
    engine = create_async_engine(
        parsed,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=TIMEOUT_S,
        connect_args=arguments,
    )
    _read_only(engine.sync_engine)
    return engine


class SourceUnavailable(StoreUnavailable):
    """A database to import from does not answer."""

    def __init__(self, fault: SQLAlchemyError) -> None:
        super().__init__(_does_not_answer("the source", fault))


def unavailable(what: str, fault: SQLAlchemyError | OSError) -> StoreUnavailable:
    """Return what to raise for a fault of such a database, without what it was asked."""
    return StoreUnavailable(_does_not_answer(what, fault))


def _does_not_answer(what: str, fault: SQLAlchemyError | OSError) -> str:
    cause = getattr(fault, "orig", None) or fault
    return f"{what} does not answer ({type(cause).__name__})"


def _parsed(text: str, drivers: Mapping[str, str], setting: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None:  # outside the handler: the error would carry the URL and its password
        raise ConfigurationError(setting, "is not a database URL.", _EXAMPLES)
    backend = "postgresql" if url.drivername == "postgres" else url.get_backend_name()
    if backend not in drivers:
        raise ConfigurationError(setting, f"{backend} is not supported.", _EXAMPLES)
    url = url.set(drivername=f"{backend}+{drivers[backend]}")
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigurationError(setting, "names no file.", _EXAMPLES)
        # `rw` and not `ro`: a write-ahead log can then be read; nothing is created.
        name = url.database.removeprefix("file:")
        url = url.set(database=f"file:{name}").update_query_dict({"mode": "rw", "uri": "true"})
    return url


def _check_file(url: URL, setting: str) -> None:
    if url.get_backend_name() != "sqlite":
        return
    name = (url.database or "").removeprefix("file:")
    if not Path(name).is_file():
        raise ConfigurationError(
            setting,
            f"there is no such file: {name}.",
            "A path from the root has four slashes: sqlite:////srv/their.db.",
        )


def _read_only(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return

    def on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    event.listen(engine, "connect", on_connect)

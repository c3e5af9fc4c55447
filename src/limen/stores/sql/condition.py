"""What an operator asks about a database before anything relies on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from limen.stores.sql.database import TIMEOUT_MS, blocking_engine, reading_options
from limen.stores.sql.faults import FAULTS, unavailable
from limen.stores.sql.schema import revision_of

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database is. `revision` is `None` where there are no Limen tables.

    `journal_mode` is SQLite's, such as `wal`. `time` is the database's own time of day in
    milliseconds, `None` where it runs on this machine's clock anyway.
    """

    backend: str
    revision: str | None
    journal_mode: str | None = None
    time: int | None = None


def examine(url: str) -> Condition:
    """Look at a database without changing its tables, and without making a missing file.

    Raises `ConfigurationError` for the URL and `StoreUnavailable`.
    """
    engine = blocking_engine(url, TIMEOUT_MS, 1)
    backend = engine.dialect.name
    try:
        if backend == "sqlite" and _is_missing(engine.url):
            return Condition(backend, None)
        with engine.execution_options(**reading_options(backend)).connect() as connection:
            return _condition(connection, backend)
    except FAULTS as error:
        fault = unavailable(error)
    finally:
        engine.dispose()
    raise fault


def _is_missing(url: URL) -> bool:
    name = url.database or ""
    return not name.startswith("file:") and not Path(name).exists()


def _condition(connection: Connection, backend: str) -> Condition:
    revision = revision_of(connection)
    if backend == "sqlite":
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        return Condition(backend, revision, journal_mode=str(mode).lower())
    asked = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
    time = cast("int", connection.exec_driver_sql(asked).scalar_one())
    return Condition(backend, revision, time=time)

"""SQLite's file lies beside the process, so the reads of every request are done in place.

An awaited read costs two changes of thread, which is ten times what the read itself costs.
The statements are those of the verbs, compiled once; the rows become the same records.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy.dialects import sqlite

from limen import effects
from limen.errors import StoreUnavailable
from limen.stores.sql import log, sessions
from limen.stores.sql.database import sqlite_options
from limen.stores.sql.rows import standing_of
from limen.stores.sql.tables import storable

if TYPE_CHECKING:
    from sqlalchemy import Select

    from limen.ports import Version
    from limen.revocation import Revocation
    from limen.session import Standing

# Readers of a write-ahead log wait for nobody but a recovery. Whoever meets one goes the
# long way, which waits elsewhere than on the event loop.
BUSY_MS: Final = 50


class _Busy(Exception):
    """The file could not be read at once."""


class _Statement(NamedTuple):
    """What SQLite is asked, and the values that the statement brings along."""

    text: str
    given: dict[str, Any]

    @classmethod
    def of(cls, statement: Select[Any], **given: object) -> _Statement:
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        known = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), known | given)


_BY_DIGEST: Final = _Statement.of(sessions.BY_DIGEST, kind=sessions.REFERENCE)
_BY_ID: Final = _Statement.of(sessions.BY_ID)
_NEWER: Final = _Statement.of(log.NEWER)
_REFUSED: Final = _Statement.of(log.REFUSED)
_VERSION: Final = "PRAGMA data_version"


class _Opened(NamedTuple):
    """A connection, cursors for what is asked on every request, and who opened them."""

    connection: sqlite3.Connection
    version: sqlite3.Cursor
    rows: sqlite3.Cursor
    process: int


def _held(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


class LocalReader:
    """One connection to a SQLite file, for reading from any thread of one process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._kept: _Opened | None = None
        self._version: Version | None = None
        self._connections = 0  # that were opened so far

    def answer(self, effect: object) -> object:
        """Perform one of the reads of a request, if it is one and can be done at once.

        `NotImplemented` otherwise; the long way waits elsewhere than on the event loop.
        """
        try:
            match effect:
                case effects.FindSession(digest=None, id=wanted):
                    return self._standing(_BY_ID, {"wanted": storable(wanted or "")})
                case effects.FindSession(digest=digest):
                    return self._standing(_BY_DIGEST, {"wanted": digest})
                case effects.FindRevocation():
                    values = log.refused_values(effect)
                    held = {name: _held(value) for name, value in values.items()}
                    return bool(self._rows(_REFUSED, held))
                case _:
                    return NotImplemented
        except _Busy:
            return NotImplemented

    def version(self) -> Version:
        """Return which connection this is, and how many commits it has noticed.

        `PRAGMA data_version` counts the commits that other connections made; this one
        makes none.
        """
        with self._lock:
            try:
                counted = self._opened().version.execute(_VERSION).fetchone()[0]
            except (sqlite3.Error, OSError) as error:
                self._close()
                fault = StoreUnavailable(_unreadable(error))
            else:
                return self._connections, counted
        raise fault

    def has_moved(self) -> bool:
        """Tell whether anybody committed anything since the last call."""
        before, self._version = self._version, self.version()
        return before != self._version

    def read(self, after: int, limit: int) -> tuple[Revocation, ...]:
        """Perform `ReadLog`."""
        try:
            rows = self._rows(_NEWER, {"after": after, "most": limit})
        except _Busy as fault:
            raise StoreUnavailable(str(fault)) from None
        return tuple(map(log.revocation_of, rows))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _standing(self, statement: _Statement, values: dict[str, object]) -> Standing | None:
        rows = self._rows(statement, values)
        return standing_of(rows[0]) if rows else None

    def _rows(self, statement: _Statement, values: dict[str, Any]) -> list[Any]:
        with self._lock:
            try:
                asked = self._opened().rows.execute(statement.text, statement.given | values)
                return asked.fetchall()
            except (sqlite3.Error, OSError, OverflowError) as error:
                self._close()
                fault = _Busy(_unreadable(error))
        raise fault

    def _opened(self) -> _Opened:
        opened = self._kept
        # A connection must not cross a fork: the copy in the child is left alone.
        if opened is None or opened.process != os.getpid():
            opened = self._kept = self._open()
        return opened

    def _open(self) -> _Opened:
        arguments, options = sqlite_options(self._url)
        options |= {"timeout": BUSY_MS / 1000, "check_same_thread": False}
        connection: sqlite3.Connection = sqlite3.connect(
            arguments[0], **options, isolation_level=None
        )
        connection.execute("PRAGMA query_only = ON")
        version, rows = connection.cursor(), connection.cursor()
        rows.row_factory = sqlite3.Row
        self._connections += 1
        return _Opened(connection, version, rows, os.getpid())

    def _close(self) -> None:
        opened, self._kept = self._kept, None
        if opened is not None and opened.process == os.getpid():
            opened.connection.close()


def _unreadable(error: Exception) -> str:
    return f"the database file could not be read ({type(error).__name__})"

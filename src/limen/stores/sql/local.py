"""SQLite's file lies beside the process, so the reads of every request are done in place.

An awaited read costs two changes of thread, which is ten times what the read itself costs.
The statements are those of the verbs, compiled once; the rows become the same records.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy.dialects import sqlite

from limen import effects, forks
from limen.errors import StoreUnavailable
from limen.forks import Forkable
from limen.stores.sql import log, sessions
from limen.stores.sql.database import is_sqlite, sqlite_options
from limen.stores.sql.rows import standing_of
from limen.stores.sql.tables import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from limen.ports import Version
    from limen.revocation import Revocation
    from limen.session import Standing

# Readers of a write-ahead log wait for nobody but a recovery. Whoever meets one goes the
# long way, which waits elsewhere than on the event loop.
BUSY_MS: Final = 50
# How long a fork waits for a read that is under way.
FORK_S: Final = 1.0


class Statement(NamedTuple):
    """What SQLite is asked, and the values that the statement brings along."""

    text: str
    given: dict[str, Any]

    @classmethod
    def of(cls, statement: Select[Any], **given: object) -> Statement:
        """Compile a statement; `given` are values that never change."""
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        known = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), known | given)


def _held(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


_BY_DIGEST: Final = Statement.of(sessions.BY_DIGEST, kind=sessions.REFERENCE)
_BY_ID: Final = Statement.of(sessions.BY_ID)
_NEWER: Final = Statement.of(log.NEWER)
_REFUSED: Final = Statement.of(log.REFUSED)
_VERSION: Final = "PRAGMA data_version"


class File(NamedTuple):
    """What `sqlite3.connect` takes for one file, with its whole path."""

    arguments: Sequence[Any]
    options: dict[str, Any]


def file_of(url: str) -> File | None:
    """Return the file that a URL names, `None` if it names no SQLite file."""
    return File(*sqlite_options(url)) if is_sqlite(url) else None


class _Opened(NamedTuple):
    """A connection, and cursors for what is asked on every request."""

    connection: sqlite3.Connection
    version: sqlite3.Cursor
    rows: sqlite3.Cursor


class LocalReader(Forkable):
    """One connection to a SQLite file, for reading from any thread of one process."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._kept: _Opened | None = None
        self._inherited: _Opened | None = None  # from before a fork; never used nor closed
        self._connections = 0  # that were opened so far
        self._forking = False
        forks.tell(self)

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
                    return bool(self.rows(_REFUSED, held))
                case _:
                    return NotImplemented
        except StoreUnavailable:
            return NotImplemented

    def version(self) -> Version:
        """Return which connection this is, and how many commits it has noticed.

        `PRAGMA data_version` counts the commits that other connections made; this one
        makes none. Raises `StoreUnavailable`.
        """
        with self._lock:
            counted = self._asked("version", _VERSION, {})[0][0]
            return self._connections, counted

    def rows(self, statement: Statement, values: dict[str, Any]) -> list[Any]:
        """Return the rows of a statement; raises `StoreUnavailable`."""
        with self._lock:
            return self._asked("rows", statement.text, statement.given | values)

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            self._close()

    def before_fork(self) -> None:
        """Close the connection, and let nobody open another until the fork is over."""
        self._forking = self._lock.acquire(timeout=FORK_S)
        if self._forking:
            self._close()

    def after_fork(self, *, child: bool) -> None:
        """Go on with a new connection."""
        if child:
            # What could not be closed in time: to close it here would delete the parent's files.
            self._inherited, self._kept = self._kept, None
            self._lock = threading.Lock()
        elif self._forking:
            self._lock.release()
        self._forking = False

    def _standing(self, statement: Statement, values: dict[str, Any]) -> Standing | None:
        rows = self.rows(statement, values)
        return standing_of(rows[0]) if rows else None

    def _asked(self, cursor: Literal["version", "rows"], text: str, values: Any) -> list[Any]:
        try:
            rows: list[Any] = getattr(self._opened(), cursor).execute(text, values).fetchall()
        except (sqlite3.Error, OSError, OverflowError) as error:
            self._close()
            fault = StoreUnavailable(
                f"the database file could not be read ({type(error).__name__})"
            )
        except BaseException:
            # A signal between the two calls: a statement that stays open would go on reading
            # what was there when it began, and hide every commit since.
            self._close()
            raise
        else:
            return rows
        raise fault

    def _opened(self) -> _Opened:
        if self._kept is None:
            self._kept = self._open()
        return self._kept

    def _open(self) -> _Opened:
        options = self._file.options | {"timeout": BUSY_MS / 1000, "check_same_thread": False}
        connection: sqlite3.Connection = sqlite3.connect(
            self._file.arguments[0], **options, isolation_level=None
        )
        connection.execute("PRAGMA query_only = ON")
        version, rows = connection.cursor(), connection.cursor()
        rows.row_factory = sqlite3.Row
        self._connections += 1
        return _Opened(connection, version, rows)

    def _close(self) -> None:
        opened, self._kept = self._kept, None
        if opened is not None:
            opened.connection.close()


class LocalWatch:
    """A watch on the log in a SQLite file."""

    def __init__(self, file: File) -> None:
        self._reader = LocalReader(file)
        self._seen: Version | None = None

    def has_moved(self) -> bool:
        """Tell whether anybody committed anything since the last call."""
        before, self._seen = self._seen, self._reader.version()
        return before != self._seen

    def read(self, after: int, limit: int) -> tuple[Revocation, ...]:
        """Perform `ReadLog`."""
        rows = self._reader.rows(_NEWER, {"after": after, "most": limit})
        return tuple(map(log.revocation_of, rows))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

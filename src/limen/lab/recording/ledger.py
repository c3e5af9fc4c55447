"""What the store holds, read from the database file itself: column by column, by a list.

Digests become the label of the credential that they were made of, if it was seen; hashes of
passwords are reduced to their scheme, and key material is never read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from limen.evidence import Count, Duration, Personal, Public

if TYPE_CHECKING:
    from pathlib import Path

    from limen.evidence import Evidence
    from limen.lab.recording.exchange import Record
    from limen.trace.event import Recorded

# A run has one account and a few sign-ins; more rows than this are counted, not read.
MAX_ROWS: Final = 50
Cells: TypeAlias = "Mapping[str, Recorded]"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one table by their keys; `more` counts those that were not read."""

    name: str
    columns: tuple[str, ...]
    rows: Mapping[str, Cells]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store after one request, `-` before the first. Times count in
    seconds from the beginning of the run.
    """

    request_id: str
    tables: tuple[Table, ...]

    def as_json(self) -> dict[str, object]:
        """Return the snapshot as JSON values."""
        return {
            "after": self.request_id,
            "tables": {
                table.name: {
                    "rows": {
                        key: {name: dict(value) for name, value in cells.items()}
                        for key, cells in table.rows.items()
                    },
                    "more": table.more,
                }
                for table in self.tables
            },
        }


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table: what it is called in the Lab, in SQL, and how it may be shown."""

    name: str
    sql: str
    shown: Callable[[Any, _Reader], Recorded]


class _Reader:
    """Turns stored values into recorded ones; times count from the beginning of the run."""

    def __init__(
        self, record: Record, labelled: Callable[[bytes], Recorded | None], began: int
    ) -> None:
        self.record = record
        self.labelled = labelled
        self.began = began


def _as(make: Callable[[Any], Evidence]) -> Callable[[Any, _Reader], Recorded]:
    return lambda value, reader: reader.record(make(value))


def _moment(value: int | None, reader: _Reader) -> Recorded:
    if value is None:
        return reader.record(Public("never"))
    return reader.record(Duration((value - reader.began) / 1000))


def _digest(value: bytes | None, reader: _Reader) -> Recorded:
    if value is None:
        return reader.record(Public("none"))
    return reader.labelled(bytes(value)) or reader.record(Public("a credential not seen"))


def _budget(value: str, reader: _Reader) -> Recorded:
    """Shorten the digest of who a budget is counted for."""
    return reader.record(Public(value[:8]))


def _scheme(value: str | None, reader: _Reader) -> Recorded:
    """Keep the scheme and its parameters of a password hash, drop salt and hash."""
    return reader.record(Public("none" if value is None else "$".join(value.split("$")[1:4])))


_text = _as(lambda value: Public(str(value)))
_count = _as(lambda value: Count(int(value)))
_flag = _as(lambda value: Public(bool(value)))
_person = _as(lambda value: Personal(str(value)))
_span = _as(lambda value: Duration(value / 1000))

_TABLES: Final[Mapping[str, tuple[str, tuple[_Column, ...]]]] = {
    "accounts": (
        "limen_account a left join limen_credential c on c.account_id = a.id order by a.id",
        (
            _Column("id", "a.id", _text),
            _Column("email", "a.email", _person),
            _Column("roles", "a.roles", _text),
            _Column("disabled", "a.disabled", _flag),
            _Column("password hash", "c.password_hash", _scheme),
            _Column("password set", "c.updated_at", _moment),
        ),
    ),
    "sessions": (
        "limen_session order by created_at, id",
        (
            _Column("id", "id", _text),
            _Column("account", "subject", _text),
            _Column("strategy", "strategy", _text),
            _Column("created", "created_at", _moment),
            _Column("last use", "used_at", _moment),
            _Column("ends if unused for", "idle", _span),
            _Column("ends at the latest", "expires_at", _moment),
            _Column("roles", "roles", _text),
        ),
    ),
    "credentials at rest": (
        "limen_secret order by issued_at, digest",
        (
            _Column("digest of", "digest", _digest),
            _Column("session", "session_id", _text),
            _Column("kind", "kind", _text),
            _Column("issued", "issued_at", _moment),
            _Column("used", "used_at", _moment),
            _Column("successor", "successor", _digest),
        ),
    ),
    "revocation log": (
        "limen_revocation order by seq",
        (
            _Column("number", "seq", _count),
            _Column("kind", "kind", _text),
            _Column("of", "subject", _text),
            _Column("refuses what is older than", "not_before", _moment),
            _Column("needed until", "expires_at", _moment),
        ),
    ),
    "keys": (
        "limen_key order by created_at, id",
        (
            _Column("id", "id", _text),
            _Column("algorithm", "algorithm", _text),
            _Column("state", "state", _text),
            _Column("created", "created_at", _moment),
        ),
    ),
    "limits": (
        "limen_tally order by key",
        (
            _Column("budget", "key", _budget),
            _Column("spent", "count", _count),
            _Column("starts again", "resets_at", _moment),
        ),
    ),
}


_DUMP: Final = (
    ("session id", "select digest from limen_secret where kind <> 'refresh' order by digest"),
    ("refresh token", "select digest from limen_secret where kind = 'refresh' order by digest"),
    ("session handle", "select id from limen_session order by id"),
    ("password hash", "select password_hash from limen_credential order by id"),
)
_KEYED_BY_DIGEST: Final = frozenset({"credentials at rest", "limits"})


class Ledger:
    """Reads the store after each request, for as long as a column is carried out."""

    def __init__(
        self,
        database: Path | None,
        record: Record,
        labelled: Callable[[bytes], Recorded | None],
        began: int,
    ) -> None:
        self._database = database
        self._reader = _Reader(record, labelled, began)
        self._snapshots: list[Snapshot] = []

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return what was read, in order."""
        return tuple(self._snapshots)

    def read(self, request_id: str) -> None:
        """Read everything that is listed and keep it as the state after a request.

        Without a database file there is nothing that anybody but the server could read.
        """
        if self._database is None:
            return
        uri = f"{self._database.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("begin")  # one state, not six
            tables = tuple(
                _table(connection, name, source, columns, self._reader)
                for name, (source, columns) in _TABLES.items()
            )
        self._snapshots.append(Snapshot(request_id, tables))

    def dumped(self) -> dict[str, tuple[bytes, ...]]:
        """Return what a copy of the database gives away, by what it was made of.

        Whoever asks may present it, and must not keep it.
        """
        if self._database is None:
            return {}
        with closing(sqlite3.connect(f"{self._database.as_uri()}?mode=ro", uri=True)) as connection:
            return {
                name: tuple(
                    one.encode() if isinstance(one, str) else bytes(one)
                    for (one,) in connection.execute(question)
                )
                for name, question in _DUMP
            }


def _table(
    connection: sqlite3.Connection,
    name: str,
    source: str,
    columns: tuple[_Column, ...],
    reader: _Reader,
) -> Table:
    listed = ", ".join(column.sql for column in columns)
    found = connection.execute(f"select {listed} from {source}").fetchall()  # noqa: S608 - from the list above  # nosec B608
    rows = {
        _key(name, values): {
            column.name: column.shown(value, reader)
            for column, value in zip(columns, values, strict=True)
        }
        for values in found[:MAX_ROWS]
    }
    return Table(name, tuple(one.name for one in columns), rows, max(len(found) - MAX_ROWS, 0))


def _key(table: str, values: tuple[Any, ...]) -> str:
    """Return what tells a row from its neighbours, also in the next snapshot."""
    first = values[0].hex() if isinstance(values[0], bytes) else str(values[0])
    return first[:8] if table in _KEYED_BY_DIGEST else first

"""What each request changed in the store: rows added, cells changed, rows removed.

It is read from the snapshots of the ledger, so it is what the database file says, whatever
the server said of itself. Which rows a request read, no file tells; how often it asked, the
trace does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from limen.guarantees import Format, RevocationCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.recording.ledger import Cells, Snapshot, Table
    from limen.lab.run import Column
    from limen.trace.event import Recorded

# What each table is for, in words.
MEANINGS: Final[Mapping[str, str]] = {
    "accounts": "Who can sign in. The same under every strategy.",
    "sessions": "One row for each sign-in: whose, since when, until when.",
    "credentials at rest": "Digests of the credentials that are out. What is behind a digest "
    "cannot be read from it.",
    "revocation log": "What was ended before it expires; whoever asks the log refuses it.",
    "keys": "What tokens are signed with. Private keys are sealed and not read here.",
    "limits": "How many attempts were made. Whom a budget counts is kept as a digest.",
}


@unique
class Effect(StrEnum):
    """What happened to a row."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that is not what it was; `None` where there was or is no row."""

    name: str
    before: Recorded | None
    after: Recorded | None


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is not what it was."""

    table: str
    key: str
    effect: Effect
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """What one request changed, and how often it asked the store; `step` is the scenario's.

    `anchor` is the request, and a number besides where the store was read again after it.
    """

    anchor: str
    request_id: str
    step: str
    changes: tuple[Change, ...]
    reads: int
    writes: int


class Summary(NamedTuple):
    """How many rows of one table something happened to."""

    effect: Effect
    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class Life:
    """One row and its history: the last cells it had, and the requests that made them.

    `created` is `None` if the row was there before, `changed` and `removed` if that never
    happened.
    """

    key: str
    cells: Cells
    created: str | None
    changed: str | None
    removed: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One table in one column: every row that it ever had, and why it has none."""

    name: str
    columns: tuple[str, ...]
    lives: tuple[Life, ...]
    more: int
    why_empty: str


@dataclass(frozen=True, slots=True)
class Link:
    """One refresh token of a family, how deep it stands, and what became of it."""

    depth: int
    label: Recorded
    life: Life


def effects_of(column: Column) -> tuple[Effects, ...]:
    """Return what each request of a column changed, in order."""
    found: list[Effects] = []
    for number, (before, after) in enumerate(_pairs(column.ledger)):
        again = any(one.request_id == after.request_id for one in found)
        events = [one for one in column.events if one.request_id == after.request_id]
        found.append(
            Effects(
                f"{after.request_id}-{number}" if again else after.request_id,
                after.request_id,
                column.step_of.get(after.request_id, "no step"),
                changes_between(before, after),
                0 if again else sum(one.reads for one in events),
                0 if again else sum(one.writes for one in events),
            )
        )
    return tuple(found)


def changes_between(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Return every row that differs, by table."""
    return tuple(
        change
        for old, new in zip(before.tables, after.tables, strict=True)
        for change in _changes(old, new)
    )


def summary_of(effects: tuple[Effects, ...], step: str) -> tuple[Summary, ...]:
    """Return what one step changed, alike rows counted."""
    counted = Counter(
        (change.effect, change.table)
        for one in effects
        if one.step == step
        for change in one.changes
    )
    return tuple(Summary(effect, table, count) for (effect, table), count in counted.items())


def records_of(column: Column) -> tuple[Record, ...]:
    """Return every table with every row that it had in the course of the run."""
    if not column.ledger:
        return ()
    return tuple(
        Record(
            table.name,
            table.columns,
            tuple(_lives(column, number)),
            table.more,
            why_empty(column, table.name),
        )
        for number, table in enumerate(column.ledger[-1].tables)
    )


def family_of(record: Record) -> tuple[Link, ...]:
    """Return the refresh tokens of a table of credentials: each below the one it replaced."""
    lives = [one for one in record.lives if one.cells["kind"].get("v") == "refresh"]
    successors = {_label(one.cells["successor"]) for one in lives}
    roots = [one for one in lives if _label(one.cells["digest of"]) not in successors]
    return tuple(link for root in roots for link in _line(root, lives, 0))


def why_empty(column: Column, table: str) -> str:
    """Return why a table has no rows: by design, or because nothing has happened."""
    promised = column.guarantees
    if table in ("sessions", "credentials at rest", "revocation log") and not promised.needs_store:
        return "0 rows, by design: these settings keep nothing of a sign-in."
    if table == "revocation log" and promised.check is RevocationCheck.EXPIRY:
        return (
            "0 rows: nothing was revoked. An entry would be written, and nobody here asks for it."
        )
    if table == "credentials at rest" and promised.format is Format.SIGNED:
        return "0 rows: no refresh token is out. Access tokens are never kept, by design."
    return "0 rows: nothing has happened that would make one."


def _pairs(ledger: tuple[Snapshot, ...]) -> Iterator[tuple[Snapshot, Snapshot]]:
    return pairwise(ledger)


def _changes(old: Table, new: Table) -> Iterator[Change]:
    for key in dict.fromkeys((*old.rows, *new.rows)):
        before, after = old.rows.get(key), new.rows.get(key)
        cells = tuple(
            Cell(name, (before or {}).get(name), (after or {}).get(name))
            for name in new.columns
            if (before or {}).get(name) != (after or {}).get(name)
        )
        if before is None:
            yield Change(new.name, key, Effect.ADDED, cells)
        elif after is None:
            yield Change(new.name, key, Effect.REMOVED, cells)
        elif cells:
            yield Change(new.name, key, Effect.CHANGED, cells)


def _lives(column: Column, number: int) -> Iterator[Life]:
    """Return the rows of one table, from the first snapshot to the last."""
    cells: dict[str, Mapping[str, Recorded]] = dict(column.ledger[0].tables[number].rows)
    when: dict[str, dict[Effect, str]] = {key: {} for key in cells}
    for before, after in _pairs(column.ledger):
        for change in _changes(before.tables[number], after.tables[number]):
            when.setdefault(change.key, {})[change.effect] = after.request_id
        cells |= after.tables[number].rows
    for key, last in cells.items():
        told = when[key]
        yield Life(
            key, last, told.get(Effect.ADDED), told.get(Effect.CHANGED), told.get(Effect.REMOVED)
        )


def _line(life: Life, lives: list[Life], depth: int) -> Iterator[Link]:
    """Yield a token and those that came after it; each digest has one successor at most."""
    label = life.cells["digest of"]
    yield Link(depth, label, life)
    successor = _label(life.cells["successor"])
    for other in lives:
        if (
            depth < len(lives)
            and successor is not None
            and _label(other.cells["digest of"]) == successor
        ):
            yield from _line(other, lives, depth + 1)


def _label(value: Recorded) -> str | None:
    return str(value["label"]) if "label" in value else None

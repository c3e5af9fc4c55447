"""The concept flow of a run: what is common once, what differs by column, and both endings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.reading.answers import FIRST_REFUSAL
from limen.lab.reading.holders import Holder, holdings
from limen.lab.reading.table import TableOf
from limen.lab.reading.telling import told
from limen.lab.reading.things import Thing
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.reading.lanes import Cell, Row
    from limen.lab.run import Column, Run
    from limen.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that ending a sign-in can do, and whether it did."""

    name: str
    done: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """What one column does at a node, and in which rows; a shared node has one for all."""

    column: str | None
    texts: tuple[str, ...]
    rows: tuple[int, ...]
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One concept. `rows` are all rows of the table that belong to it."""

    id: str
    title: str
    branches: tuple[Branch, ...]
    rows: tuple[int, ...]

    @property
    def shared(self) -> bool:
        """Whether every column did the same here, so that it is drawn once."""
        return self.branches[0].column is None


@dataclass(frozen=True, slots=True)
class _Concept:
    id: str
    title: str
    phases: tuple[Phase, ...]
    counts: Callable[[TraceEvent], bool] = lambda _: True
    otherwise: str = "no step"


def _status(event: TraceEvent) -> int:
    status = event.outcome.get("status", {}).get("v", 0)
    return int(status) if isinstance(status, int) else 0


_ENDING, _GRANTED, _DENIED = "end", "granted", "denied"
_CONCEPTS: Final = (
    _Concept("ask", "A request to sign in arrives", (Phase.LOGIN_RECEIVE, Phase.LOGIN_RATE_LIMIT)),
    _Concept("prove", "The server verifies who it is", (Phase.USER_LOOKUP, Phase.PASSWORD_VERIFY)),
    _Concept("discard", "What the browser held before is ended", (Phase.PRELOGIN_DISCARD,)),
    _Concept("make", "A credential is made", (Phase.CREDENTIAL_ISSUE,)),
    _Concept("hand", "It is handed over", (Phase.LOGIN_RESPOND,)),
    _Concept("keep", "The client keeps it", (Phase.CLIENT_STORE,)),
    _Concept("send", "The client sends it along", (Phase.CLIENT_ATTACH,)),
    _Concept(
        "check",
        "The server verifies the credential",
        (Phase.CREDENTIAL_VALIDATE, Phase.REVOCATION_CHECK),
    ),
    _Concept(
        "load",
        "Who it stands for, and whether they may",
        (Phase.PRINCIPAL_LOAD, Phase.AUTHZ_DECIDE),
    ),
    _Concept(
        _GRANTED,
        "Access granted",
        (Phase.RESOURCE_RESPOND,),
        lambda event: _status(event) < FIRST_REFUSAL,
        "nothing was granted in this run",
    ),
    _Concept(
        _DENIED,
        "Access denied",
        (Phase.LOGIN_RESPOND, Phase.RESOURCE_RESPOND),
        lambda event: _status(event) >= FIRST_REFUSAL,
        "nothing was refused in this run",
    ),
    _Concept("renew", "The credential is renewed", (Phase.REFRESH,)),
    _Concept(
        _ENDING,
        "The sign-in is ended",
        (Phase.LOGOUT_REQUEST, Phase.CREDENTIAL_REVOKE, Phase.CLIENT_FORGET),
    ),
    _Concept("replay", "A copy is tried", (Phase.REPLAY_BY_THIEF,)),
)


def flow_of(run: Run) -> tuple[Node, ...]:
    """Return the nodes of a run in order. A concept that no row belongs to has no node."""
    table = TableOf(run)
    nodes = (_node(concept, table) for concept in _CONCEPTS)
    return tuple(node for node in nodes if node is not None)


def _node(concept: _Concept, table: TableOf) -> Node | None:
    rows = [row for row in table.rows if row.phase in concept.phases]
    counting = [row for row in rows if any(_counts(concept, cell) for cell in row.cells)]
    if not counting and concept.id not in (_GRANTED, _DENIED):
        return None
    numbers = tuple(row.number for row in counting)
    shown = _first_step(table, counting)
    if shown and _is_shared(concept, table, counting, shown):
        return Node(concept.id, concept.title, (_shared(concept, shown, numbers),), numbers)
    ended = _effects(table, numbers) if concept.id == _ENDING else {}
    branches = tuple(
        _branch(concept, table, column, counting, ended.get(column.name, ()))
        for column in table.run.columns
    )
    return Node(concept.id, concept.title, branches, numbers)


def _is_shared(concept: _Concept, table: TableOf, rows: list[Row], first: list[Row]) -> bool:
    """Tell whether the columns did alike; what ending brought about is told of each."""
    several = len(table.run.columns) > 1 and concept.id != _ENDING
    everybody = all(_counts(concept, cell) for row in rows for cell in row.cells)
    return several and everybody and all(row.same for row in first)


def _counts(concept: _Concept, cell: Cell) -> bool:
    return any(concept.counts(entry.event) for entry in cell.entries)


def _first_step(table: TableOf, rows: list[Row]) -> list[Row]:
    """Return those of the rows that are in the first step of the scenario with any of them."""
    for section in table.sections:
        inside = [row for row in section.rows if row in rows]
        if inside:
            return inside
    return []


def _shared(concept: _Concept, rows: list[Row], numbers: tuple[int, ...]) -> Branch:
    texts = (text for row in rows if _counts(concept, row.cells[0]) for text in told(row.cells[0]))
    return Branch(None, tuple(dict.fromkeys(texts)), numbers)


def _branch(
    concept: _Concept,
    table: TableOf,
    column: Column,
    rows: list[Row],
    effects: tuple[Effect, ...],
) -> Branch:
    own = [row for row in rows if _counts(concept, table.cell(row, column))]
    shown = _first_step(table, own)
    texts = dict.fromkeys(text for row in shown for text in told(table.cell(row, column)))
    if concept.id == _DENIED:
        texts |= dict.fromkeys(_refusals(table, column, shown))
    absent = [table.cell(row, column).no_step for row in rows[:1]]
    reasons = [f"no step: {one}" for one in absent if one] or [concept.otherwise]
    return Branch(column.name, tuple(texts or reasons), tuple(row.number for row in own), effects)


def _refusals(table: TableOf, column: Column, answers: list[Row]) -> Iterator[str]:
    """Yield what refused, in the steps of the scenario in which these answers were given."""
    for section in table.sections:
        for row in section.rows if any(one in answers for one in section.rows) else ():
            cell = table.cell(row, column)
            if any(entry.event.status != "ok" for entry in cell.entries):
                yield f"by {row.phase.value}: {told(cell)[-1]}"


def _effects(table: TableOf, rows: tuple[int, ...]) -> dict[str, tuple[Effect, ...]]:
    """Return what ending did in each column: after its rows, what is gone that was there."""
    before, after = rows[0] - 1, rows[-1]
    effects: dict[str, tuple[Effect, ...]] = {}
    for name, held in holdings(table.run).items():
        had, has = held.get(before, {}), held[after]
        gone = {
            (holder, one.thing)
            for holder, things in had.items()
            for one in things
            if one not in has.get(holder, ())
        }
        came = {
            one.thing for one in has.get(Holder.STORE, ()) if one not in had.get(Holder.STORE, ())
        }
        client = {Thing.TOKEN, Thing.SESSION} & {
            thing for holder, thing in gone if holder in (Holder.JAR, Holder.SCRIPT)
        }
        effects[name] = (
            Effect("the client's copy is gone", bool(client)),
            Effect("the row in the store is gone", (Holder.STORE, Thing.ROW) in gone),
            Effect("a revocation is on record", Thing.REVOCATION in came),
            Effect("copies elsewhere are gone", any(holder is Holder.THIEF for holder, _ in gone)),
        )
    return effects

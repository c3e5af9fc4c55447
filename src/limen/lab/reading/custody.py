"""What the store holds after each row, from the snapshots that were taken after each request.

A snapshot cannot tell which row of a request changed the store; the trace can: what went,
went at the first row that wrote, and what came, came at the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from limen.lab.reading.things import Held, Thing
from limen.lab.reading.values import is_label, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from limen.lab.reading.lanes import Section
    from limen.lab.recording.ledger import Snapshot
    from limen.lab.run import Column
    from limen.trace.event import Recorded

_APART: Final = frozenset({"Increment", "AppendAudit"})  # no credential is touched


class StoreInStep:
    """The store during one step of the scenario, in one column."""

    def __init__(self, column: Column, section: Section, before: Sequence[Snapshot]) -> None:
        row_of = {row.phase: index for index, row in enumerate(section.rows)}
        events = column.in_step(section.step.name)
        self.left = tuple(before)[-1:]
        self._began = kept_in(self.left)
        self._changes: list[tuple[int, int, tuple[Held, ...], tuple[Held, ...]]] = []
        for snapshot in column.ledger:
            if column.step_of.get(snapshot.request_id) != section.step.name:
                continue
            took = [one for one in events if one.request_id == snapshot.request_id]
            wrote = [
                row_of[event.phase]
                for event in took
                if any(op.access == "write" and op.effect not in _APART for op in event.operations)
            ] or [row_of[event.phase] for event in took[-1:]]
            first, last = (min(wrote), max(wrote)) if wrote else (0, 0)
            earlier, later = kept_in(self.left), kept_in((snapshot,))
            gone = tuple(one for one in earlier if one not in later)
            come = tuple(one for one in later if one not in earlier)
            self._changes.append((first, last, gone, come))
            self.left = (snapshot,)

    def after(self, index: int) -> tuple[Held, ...]:
        """Return what the store holds after the row at this place in the step."""
        held = dict.fromkeys(self._began)
        for first, last, gone, come in self._changes:
            for one in gone if index >= first else ():
                held.pop(one, None)
            for one in come if index >= last else ():
                held[one] = None
        return tuple(held)


def kept_in(snapshots: Sequence[Snapshot]) -> tuple[Held, ...]:
    """Return what the newest of some snapshots holds that a credential depends on."""
    return tuple(
        kept
        for snapshot in snapshots[-1:]
        for table in snapshot.tables
        if table.name in _READERS
        for cells in table.rows.values()
        for kept in _READERS[table.name](cells)
    )


def _account(cells: Mapping[str, Recorded]) -> Iterator[Held]:
    scheme = str(cells["password hash"]["v"]).partition("$")[0]
    if scheme != "none":
        yield Held(Thing.HASH, f"hash ({scheme})")


def _session(cells: Mapping[str, Recorded]) -> Iterator[Held]:
    yield Held(Thing.ROW, f"row {shown(cells['id'])}")


def _digest(cells: Mapping[str, Recorded]) -> Iterator[Held]:
    value = cells["digest of"]
    fingerprint = str(value["fp"]) if is_label(value) else None
    yield Held(Thing.DIGEST, f"digest of {shown(value)}", fingerprint)


def _revocation(cells: Mapping[str, Recorded]) -> Iterator[Held]:
    yield Held(Thing.REVOCATION, f"revocation of {shown(cells['of'])}")


_READERS: Final[Mapping[str, Callable[[Mapping[str, Recorded]], Iterator[Held]]]] = {
    "accounts": _account,
    "sessions": _session,
    "credentials at rest": _digest,
    "revocation log": _revocation,
}

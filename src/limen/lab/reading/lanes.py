"""Aligns the columns of a run by phase: one row a phase, one cell a strategy, none empty."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from limen.lab.reading.absence import ORDER, why_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limen.lab.run import Column, Run, Step
    from limen.phase import Phase
    from limen.trace import TraceEvent
    from limen.trace.event import Recorded

Shape: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, and how many in a row were like it in all but time; it is the last of them."""

    event: TraceEvent
    count: int = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """What one strategy did at one phase of one step, or why it did nothing."""

    column: str
    entries: tuple[Entry, ...]
    no_step: str | None

    @property
    def duration_ns(self) -> int:
        """Return how long the shown events took together."""
        return sum(entry.event.duration_ns for entry in self.entries)

    @property
    def measured(self) -> bool:
        """Whether its time was taken: that of a step of Limen is, that of an edge is not."""
        return any(one.event.source and one.event.actor != "client" for one in self.entries)

    @property
    def requests(self) -> tuple[str, ...]:
        """Return the requests that the shown events belong to."""
        return tuple(dict.fromkeys(entry.event.request_id for entry in self.entries))

    @property
    def shape(self) -> Shape:
        """What the cell says, but for times and fingerprints."""
        return (self.no_step, *((entry.count, shape_of(entry.event)) for entry in self.entries))


@dataclass(frozen=True, slots=True)
class Row:
    """One phase within one step of the scenario."""

    number: int
    phase: Phase
    cells: tuple[Cell, ...]

    @property
    def same(self) -> bool:
        """Whether every strategy did the same, times aside."""
        return len({cell.shape for cell in self.cells}) == 1

    @property
    def actors(self) -> tuple[str, ...]:
        """Return who acted: each actor, with whom a simulated client stands for."""
        found = {
            entry.event.actor
            if entry.event.actor != "client"
            else f"{entry.event.client} ({entry.event.actor})"
            for cell in self.cells
            for entry in cell.entries
        }
        return tuple(sorted(found)) or ("nobody",)


@dataclass(frozen=True, slots=True)
class Section:
    """One step of the scenario and its rows, in the order in which they were taken."""

    step: Step
    rows: tuple[Row, ...]


def align(run: Run) -> tuple[Section, ...]:
    """Return the execution table of a run."""
    sections, number = [], 1
    for step in run.plot.steps:
        rows = []
        for phase in _phases_of(step, run.columns):
            cells = tuple(_cell(phase, step, column) for column in run.columns)
            rows.append(Row(number, phase, cells))
            number += 1
        sections.append(Section(step, tuple(rows)))
    return tuple(sections)


def shape_of(event: TraceEvent) -> Shape:
    """Return what an event says, but for times and fingerprints: equal shapes, equal steps."""
    return (
        event.phase,
        event.actor,
        event.client,
        event.status,
        tuple((name, _fixed(value)) for name, value in event.given.items()),
        tuple((name, _fixed(value)) for name, value in event.outcome.items()),
        tuple((one.name, one.ok, one.reason, _fixed(one.detail or {})) for one in event.checks),
        tuple((one.effect, one.access) for one in event.operations),
    )


def _phases_of(step: Step, columns: Sequence[Column]) -> list[Phase]:
    """Return the phases of a step in an order that holds in every column.

    Where the columns leave a choice, or contradict each other, the vocabulary's order decides;
    what nobody did stands where it would have been done.
    """
    taken = [_order_in(column.in_step(step.name)) for column in columns]
    ordered = list(_merged(taken))
    for phase in sorted(set(step.home) - set(ordered), key=ORDER.index):
        earlier = [i for i, one in enumerate(ordered) if ORDER.index(one) < ORDER.index(phase)]
        ordered.insert(earlier[-1] + 1 if earlier else 0, phase)
    return ordered


def _merged(taken: Sequence[Sequence[Phase]]) -> Iterator[Phase]:
    left = set(itertools.chain(*taken))
    pairs = {pair for one in taken for pair in itertools.combinations(one, 2)}
    while left:
        late = {after for before, after in pairs if {before, after} <= left}
        phase = min(left - late or left, key=ORDER.index)
        left.remove(phase)
        yield phase


def _order_in(events: Sequence[TraceEvent]) -> list[Phase]:
    """Return the phases in the order in which they were last taken."""
    last = {event.phase: place for place, event in enumerate(events)}
    return sorted(last, key=lambda phase: last[phase])


def _cell(phase: Phase, step: Step, column: Column) -> Cell:
    events = column.in_step(step.name)
    entries = tuple(_grouped([event for event in events if event.phase is phase]))
    no_step = None if entries else why_absent(phase, column, events)
    return Cell(column.name, entries, no_step)


def _grouped(events: Sequence[TraceEvent]) -> list[Entry]:
    groups: list[Entry] = []
    for event in events:
        if groups and shape_of(groups[-1].event) == shape_of(event):
            groups[-1] = Entry(event, groups[-1].count + 1)
        else:
            groups.append(Entry(event))
    return groups


def _fixed(value: Recorded) -> Shape:
    """Return a recorded value without what differs from run to run."""
    if value.get("k") == "duration_s":
        return ("duration_s",)
    return tuple(sorted((name, str(part)) for name, part in value.items() if name != "fp"))

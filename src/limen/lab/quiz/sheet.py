"""A run as somebody reads it: the table and who holds what, cell by cell, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from limen.lab.reading.answers import answers_of
from limen.lab.reading.holders import Holder, holders_of, holdings
from limen.lab.reading.lanes import align
from limen.lab.reading.telling import outcome_word
from limen.lab.reading.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.lab.reading.answers import Answer
    from limen.lab.reading.lanes import Cell, Row
    from limen.lab.run import Column, Run, Step
    from limen.phase import Phase
    from limen.trace import TraceEvent

QUOTED = 3


@unique
class Part(StrEnum):
    """The parts of the view that a reading can be in."""

    TABLE = "execution table"
    HOLDERS = "who holds what"


@dataclass(frozen=True, slots=True)
class Reading:
    """A cell, and words that stand in it."""

    row: int
    column: str
    says: tuple[str, ...]
    part: Part = Part.TABLE


class Sheet:
    """One run, aligned once, with what its cells say."""

    def __init__(self, run: Run) -> None:
        self.run = run
        sections = align(run)
        self.rows: Mapping[int, Row] = {
            row.number: row for section in sections for row in section.rows
        }
        self.step_at: Mapping[int, Step] = {
            row.number: section.step for section in sections for row in section.rows
        }
        self.held = holdings(run)
        self.holders = holders_of(self.held)
        self._answers = {step.name: given for step, given in answers_of(run)}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the run."""
        return self.run.columns

    def answer(self, column: Column, step: str) -> Answer | None:
        """Return the last answer that a step got in a column."""
        return self._answers[step][self._place(column.name)]

    def cell(self, row: int, column: str) -> Cell:
        """Return one cell of the table."""
        return self.rows[row].cells[self._place(column)]

    def events(self, row: int, column: str) -> list[TraceEvent]:
        """Return the events that a cell shows; of several alike it shows the last."""
        return [entry.event for entry in self.cell(row, column).entries]

    def rows_of(self, step: str, column: str | None = None) -> list[int]:
        """Return the rows of a step, or those in which a column did something."""
        return [
            number
            for number in self.rows
            if self.step_at[number].name == step
            and (column is None or self.cell(number, column).entries)
        ]

    def row_of(self, step: str, phase: Phase) -> int | None:
        """Return the row of a phase within a step."""
        found = (one for one in self.rows_of(step) if self.rows[one].phase is phase)
        return next(found, None)

    def row_of_event(self, column: Column, event: TraceEvent) -> int | None:
        """Return the row in which an event of a column stands, `None` if it is in no step."""
        return self.row_of(column.step_of.get(event.request_id, ""), event.phase)

    def said(self, row: int, column: str) -> tuple[str, ...]:
        """Return all that a cell says; where there is no such row, nothing is said."""
        return tuple(said_in(self.cell(row, column))) if row in self.rows else ()

    def quote(self, row: int, column: str) -> Reading:
        """Return the beginning of what a cell says."""
        return Reading(row, column, self.said(row, column)[:QUOTED])

    def pointed(self, row: int, column: str, *says: str) -> Reading:
        """Return these words of a cell, or its beginning if they do not stand there."""
        reading = Reading(row, column, says)
        return reading if self.shows(reading) else self.quote(row, column)

    def stored(self, row: int, column: str) -> Reading:
        """Return what a cell says of the store."""
        said = [one for one in self.said(row, column) if one.startswith("store: ")]
        return self.pointed(row, column, *said[:1])

    def hands(self, row: int, column: str, holder: Holder) -> Reading:
        """Return what somebody holds after a row."""
        return Reading(row, column, (self._held(row, column, holder),), Part.HOLDERS)

    def shows(self, reading: Reading) -> bool:
        """Tell whether the words of a reading stand where it says, and there are any."""
        if reading.row not in self.rows or not reading.says:
            return False
        if reading.part is Part.HOLDERS:
            there = {self._held(reading.row, reading.column, one) for one in Holder}
        else:
            there = set(self.said(reading.row, reading.column))
        return set(reading.says) <= there

    def _held(self, row: int, column: str, holder: Holder) -> str:
        held = self.held[column][row].get(holder, ())
        return f"{holder.value}: {', '.join(one.text for one in held) or 'nothing'}"

    def _place(self, column: str) -> int:
        return next(i for i, one in enumerate(self.columns) if one.name == column)


def said_in(cell: Cell) -> Iterator[str]:
    """Yield the words of a cell, as the table writes them, what decides first."""
    if cell.no_step:
        yield f"no step: {cell.no_step}"
    for entry in cell.entries:
        yield from said_by(entry.event)


def said_by(event: TraceEvent) -> Iterator[str]:
    """Yield what one event says: how it came out, its results, its checks, what it was given."""
    yield outcome_word(event)
    for name, value in event.outcome.items():
        yield f"{name} {shown(value)}"
    for check in event.checks:
        if check.reason:
            yield f"{check.name} {check.reason}"
        yield check.name
        if check.detail:
            yield f"{check.name} {shown(check.detail)}"
    if event.actor != "client":
        yield from _store(event)
    for name, value in event.given.items():
        yield f"{name} {shown(value)}"


def _store(event: TraceEvent) -> Iterator[str]:
    if event.reads or event.writes:
        yield f"store: {event.reads} reads, {event.writes} writes"
    else:
        yield "store: not asked"

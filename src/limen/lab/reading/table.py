"""The table of a run by its rows: looked up by phase and column, as the readings need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.lab.reading.holders import holdings
from limen.lab.reading.lanes import align

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.lab.reading.holders import Hands
    from limen.lab.reading.lanes import Cell, Row, Section
    from limen.lab.run import Column, Run
    from limen.phase import Phase
    from limen.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class Placed:
    """An event, and the row in which it stands."""

    row: int
    event: TraceEvent


class TableOf:
    """The aligned rows of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sections: tuple[Section, ...] = align(run)
        self.rows: tuple[Row, ...] = tuple(row for one in self.sections for row in one.rows)

    def cell(self, row: Row, column: Column) -> Cell:
        """Return what a column did in a row."""
        return row.cells[self.run.columns.index(column)]

    def placed(self, column: Column, *phases: Phase) -> Iterator[Placed]:
        """Yield the shown events of a column in these phases, in the order of the rows."""
        for row in self.rows:
            if row.phase in phases:
                for entry in self.cell(row, column).entries:
                    yield Placed(row.number, entry.event)


@dataclass(frozen=True, slots=True)
class Reading:
    """One column of a run, its rows, and who holds what after each of them."""

    table: TableOf
    column: Column
    held: Mapping[int, Hands]

    def placed(self, *phases: Phase) -> list[Placed]:
        """Return the shown events of the column in these phases, in the order of the rows."""
        return list(self.table.placed(self.column, *phases))

    def rows(self, *phases: Phase) -> tuple[int, ...]:
        """Return the rows in which the column has an event of these phases."""
        return tuple(dict.fromkeys(one.row for one in self.placed(*phases)))


def readings_of(run: Run) -> list[Reading]:
    """Return a reading of each column."""
    table, held = TableOf(run), holdings(run)
    return [Reading(table, column, held[column.name]) for column in run.columns]

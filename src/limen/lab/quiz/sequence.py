"""T8: five phases of one step, to be put in the order in which they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.reading import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.run import Column
    from limen.phase import Phase

LENGTH: Final = 5
Phases = tuple["Phase", ...]


def sequences(sheet: Sheet) -> Iterator[Draft[Phases]]:
    """Ask for the order of the first phases of a step that follow each other strictly."""
    for column in sheet.columns:
        for step in sheet.run.plot.steps:
            rows = _following(sheet, column, step.name)
            if len(rows) >= LENGTH:
                yield _sequence(sheet, column, step.name, rows[-LENGTH:])


def _following(sheet: Sheet, column: Column, step: str) -> list[int]:
    """Return the rows of a step, each of which was over before the next one began."""
    found: list[int] = []
    latest = 0
    for row in sheet.rows_of(step, column.name):
        taken = _numbers(column, step, sheet.rows[row].phase)
        if taken[0] > latest:
            found.append(row)
            latest = taken[-1]
    return found


def _numbers(column: Column, step: str, phase: Phase) -> list[int]:
    return [event.seq for event in column.in_step(step) if event.phase is phase]


def _sequence(sheet: Sheet, column: Column, step: str, rows: list[int]) -> Draft[Phases]:
    row_of = {sheet.rows[row].phase: row for row in rows}
    taken = tuple(row_of)

    def in_order(phases: Phases) -> bool:
        numbers = [_numbers(column, step, one)[0] for one in phases]
        return numbers == sorted(numbers)

    def option(phases: Phases) -> Option[Phases]:
        text = " → ".join(words.PHASES[one][0] for one in phases)
        for misplaced, stated in zip(taken, phases, strict=True):
            if misplaced != stated:
                before = f"It was taken before “{words.PHASES[stated][0]}”."
                return Option(phases, text, sheet.quote(row_of[misplaced], column.name), before)
        return Option(phases, text, sheet.quote(row_of[taken[0]], column.name))

    return Draft(
        f"T8.{step}.{column.name}",
        f"Column `{column.name}`, step “{step}”: in which order are these five taken?",
        tuple(option(one) for one in dict.fromkeys((taken, *_swapped(taken)))),
        in_order,
    )


def _swapped(taken: Phases) -> Iterator[Phases]:
    for first in range(len(taken) - 1):
        swapped = list(taken)
        swapped[first], swapped[first + 1] = taken[first + 1], taken[first]
        yield tuple(swapped)
    yield (*taken[1:], taken[0])

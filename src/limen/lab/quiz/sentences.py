"""T7: four sentences about a column, of which one is not true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.lab.quiz.beginnings import issue_of
from limen.lab.quiz.figures import plain_read, reading_rows
from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.replies import THIEF, client_of, replied
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Reading, Sheet
    from limen.lab.run import Column

FEWEST = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in its two forms, whether the first of them is a fact, and where that shows."""

    affirmed: str
    denied: str
    fact: Callable[[], bool]
    shown_by: Reading

    def says(self, *, truly: bool) -> str:
        """Return the form that is true of the run, or the one that is not."""
        return self.affirmed if self.fact() is truly else self.denied


def sentences(sheet: Sheet) -> Iterator[Draft[str]]:
    """Ask for the false one, once for every statement that can be it."""
    for column in sheet.columns:
        stated = list(_statements(sheet, column))
        for place, false in enumerate(stated if len(stated) >= FEWEST else []):
            yield _sentences(column, place, false, [one for one in stated if one is not false])


def _sentences(column: Column, place: int, false: Statement, others: list[Statement]) -> Draft[str]:
    options = [Option(false.says(truly=False), false.says(truly=False), false.shown_by)]
    options += [Option(one.says(truly=True), one.says(truly=True), one.shown_by) for one in others]
    stated = [false, *others]
    return Draft(
        f"T7.{column.name}.{place}",
        f"Column `{column.name}`: which of these sentences is not true of this run?",
        tuple(options),
        lambda text: any(text == one.says(truly=False) for one in stated),
    )


def _statements(sheet: Sheet, column: Column) -> Iterator[Statement]:
    yield from _about_the_sign_in(sheet, column)
    yield from _about_reading(sheet, column)
    yield from _about_copies(sheet, column)


def _about_the_sign_in(sheet: Sheet, column: Column) -> Iterator[Statement]:
    issued = issue_of(column)
    row = sheet.row_of(issued[0], Phase.CREDENTIAL_ISSUE) if issued else None
    if issued is None or row is None:
        return
    made = sheet.events(row, column.name)[-1]
    yield Statement(
        "Making the credential changes something in the store.",
        "Making the credential changes nothing in the store.",
        lambda: made.changes > 0,
        sheet.stored(row, column.name),
    )
    yield Statement(
        f"Whoever holds `{issued[1]}` can read claims in it.",
        f"Whoever holds `{issued[1]}` can read nothing in it.",
        lambda: issued[1] in (column.tokens or {}),
        sheet.pointed(row, column.name, f"credential {issued[1]}"),
    )


def _about_reading(sheet: Sheet, column: Column) -> Iterator[Statement]:
    step = plain_read(sheet, column)
    row = sheet.row_of(step, Phase.CREDENTIAL_VALIDATE) if step else None
    if step is None or row is None:
        return
    reading = reading_rows(sheet, column, step)
    yield Statement(
        f"In the step “{step}” the server reads the store.",
        f"In the step “{step}” the server reads nothing from the store.",
        lambda: sum(event.reads for event in column.in_step(step)) > 0,
        sheet.stored(reading[0] if reading else row, column.name),
    )
    origin = sheet.row_of(step, Phase.CSRF_CHECK)
    if origin is not None:
        yield Statement(
            f"In the step “{step}” the server checks the page that asks.",
            f"In the step “{step}” the server does not check which page asks.",
            lambda: bool(sheet.events(origin, column.name)),
            sheet.quote(origin, column.name),
        )


def _about_copies(sheet: Sheet, column: Column) -> Iterator[Statement]:
    for step in sheet.run.plot.steps:
        if client_of(column, step.name) == THIEF and sheet.answer(column, step.name):
            yield _about_a_copy(sheet, column, step.name)


def _about_a_copy(sheet: Sheet, column: Column, step: str) -> Statement:
    def let_in() -> bool:
        answer = sheet.answer(column, step)
        return answer is not None and answer.accepted

    return Statement(
        f"In the step “{step}” the thief's copy is let in.",
        f"In the step “{step}” the thief's copy is refused.",
        let_in,
        replied(sheet, column, step),
    )

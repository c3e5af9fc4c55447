"""T5 and T6: how often the store is read, how much is checked, and how long a copy worked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.replies import VICTIM, client_of
from limen.lab.quiz.sheet import Reading
from limen.lab.reading.findings import finding_of
from limen.lab.reading.telling import outcome_word
from limen.lab.reading.values import seconds, shown
from limen.lab.scenarios import REPLAY
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.reading.findings import Replays
    from limen.lab.run import Column


def reads(sheet: Sheet) -> Iterator[Draft[int]]:
    """T5: ask how often the store is read for one request, where one row has all of it."""
    for column in sheet.columns:
        step = plain_read(sheet, column)
        row = sheet.row_of(step, Phase.CREDENTIAL_VALIDATE) if step else None
        if step is not None and row is not None and len(reading_rows(sheet, column, step)) <= 1:
            yield _reads(sheet, column, step, row)


def plain_read(sheet: Sheet, column: Column) -> str | None:
    """Return the first step that is one request of the victim, let in and nothing besides."""
    for step in sheet.run.plot.steps:
        answer = sheet.answer(column, step.name)
        if Phase.RESOURCE_RESPOND in step.home and answer and answer.accepted and answer.count == 1:
            return step.name if client_of(column, step.name) == VICTIM else None
    return None


def reading_rows(sheet: Sheet, column: Column, step: str) -> list[int]:
    """Return the rows of a step that read the store."""
    return [
        one
        for one in sheet.rows_of(step, column.name)
        if any(event.reads for event in sheet.events(one, column.name))
    ]


def _reads(sheet: Sheet, column: Column, step: str, row: int) -> Draft[int]:
    def counted() -> int:
        return sum(event.reads for event in column.in_step(step))

    reading = reading_rows(sheet, column, step)
    shown_by = sheet.stored(reading[0] if reading else row, column.name)
    checks = len(_checks(sheet, row, column))
    return Draft(
        f"T5.reads.{column.name}",
        f"Column `{column.name}`, step “{step}”: how often is the store read for this request?",
        tuple(Option(one, _times(one), shown_by) for one in sorted({0, 1, 2, max(checks, 3)})),
        lambda value: value == counted(),
    )


def checks(sheet: Sheet) -> Iterator[Draft[int]]:
    """T5: ask how many checks a credential passes before it is believed."""
    for column in sheet.columns:
        step = plain_read(sheet, column)
        row = sheet.row_of(step, Phase.CREDENTIAL_VALIDATE) if step else None
        if step is not None and row is not None:
            yield _how_many_checks(sheet, column, step, row)


def _how_many_checks(sheet: Sheet, column: Column, step: str, row: int) -> Draft[int]:
    names = _checks(sheet, row, column)
    others = {len(_checks(sheet, row, one)) for one in sheet.columns}
    shown_by = Reading(row, column.name, names)
    return Draft(
        f"T5.checks.{column.name}",
        f"Column `{column.name}`, step “{step}”: how many checks does the credential pass in "
        f"row {row}, where it is validated?",
        tuple(
            Option(one, str(one), shown_by)
            for one in sorted({1, 2, len(names), len(names) + 2, *others})
        ),
        lambda value: value == len(_checks(sheet, row, column)),
    )


def _checks(sheet: Sheet, row: int, column: Column) -> tuple[str, ...]:
    return tuple(
        check.name for event in sheet.events(row, column.name) for check in event.checks if check.ok
    )


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


@dataclass(frozen=True, slots=True)
class Span:
    """Some time in seconds, both ends included."""

    least: float
    most: float

    def within(self, other: Span) -> bool:
        """Tell whether it lies wholly within another."""
        return other.least <= self.least and self.most <= other.most


# Not a request; less than the lag that a feed may have; the life of an access token; longer.
_RANGES: Final = {
    "no request of it was let in": Span(0.0, 0.0),
    "some were, for less than two seconds": Span(0.001, 2.0),
    "for more than two seconds, and five minutes at most": Span(2.0, 300.0),
    "for more than five minutes": Span(300.0, float("inf")),
}


def windows(sheet: Sheet) -> Iterator[Draft[str]]:
    """T6: ask how long a copy went on working after its sign-in was ended."""
    row, checked = (
        sheet.row_of(REPLAY.name, one) for one in (Phase.REPLAY_BY_THIEF, Phase.CREDENTIAL_VALIDATE)
    )
    if sheet.run.plot.ending is None or row is None or checked is None:
        return
    for column in sheet.columns:
        seen = finding_of(column).access
        if seen.statuses:
            yield _window(sheet, column, row, checked)


def _window(sheet: Sheet, column: Column, row: int, checked: int) -> Draft[str]:
    seen = finding_of(column).access
    tried = sheet.events(row, column.name)[-1:]
    said = [
        text
        for one in tried
        for text in (outcome_word(one), f"since the end {shown(one.outcome['since the end'])}")
    ]
    replayed = Reading(row, column.name, tuple(said))
    left = (
        replayed
        if seen.accepted_for is None
        else Reading(checked, column.name, (f"exp {seconds(seen.accepted_for)}",))
    )

    def holds(name: str) -> bool:
        return measured(finding_of(column).access).within(_RANGES[name])

    return Draft(
        f"T6.{column.name}",
        f"Column `{column.name}`: for how long after {sheet.run.plot.ending} could the thief's "
        "copy be used?",
        tuple(Option(name, name, left if holds(name) else replayed) for name in _RANGES),
        holds,
    )


def measured(seen: Replays) -> Span:
    """Return how long a copy worked: from the last request let in to what refused or ends it."""
    if seen.refused_after is not None:
        return Span(0.0, 0.0) if not seen.accepted else Span(0.001, seen.refused_after)
    ends = float("inf") if seen.accepted_for is None else seen.watched + seen.accepted_for
    return Span(seen.watched, ends)

"""T3: what the next request gets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.phrases import STATUSES, coded, one_of
from limen.lab.quiz.sheet import Reading
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.run import Column, Step

Names = frozenset[str]
_ANSWERS: Final = (Phase.RESOURCE_RESPOND, Phase.LOGIN_RESPOND)
_CHANGES: Final = {Phase.LOGOUT_REQUEST, Phase.CREDENTIAL_REVOKE, Phase.LOGIN_RECEIVE}
THIEF, VICTIM = "thief", "victim"


def let_in(sheet: Sheet) -> Iterator[Draft[Names]]:
    """T3: ask in which columns the request of a step is let in."""
    for step in sheet.run.plot.steps:
        asked = [one for one in sheet.columns if sheet.answer(one, step.name)]
        statuses = {status_of(sheet, one, step.name) for one in asked}
        if len(asked) > 1 and (len(statuses) > 1 or client_of(asked[0], step.name) == THIEF):
            yield _let_in(sheet, step, asked)


def _let_in(sheet: Sheet, step: Step, asked: list[Column]) -> Draft[Names]:
    def inside() -> Names:
        answers = {one.name: sheet.answer(one, step.name) for one in asked}
        return frozenset(name for name, answer in answers.items() if answer and answer.accepted)

    every, now = Names(one.name for one in asked), inside()
    sets = [now, every, Names(), every - now, *(now ^ {one} for one in sorted(every))]

    def option(value: Names) -> Option[Names]:
        decided = sorted(value ^ now) or sorted(now) or sorted(every)
        column = next(one for one in asked if one.name == decided[0])
        named = coded([one.name for one in asked if one.name in value])
        text = "in every column" if value == every else one_of(named, "in none")
        return Option(value, text, replied(sheet, column, step.name))

    return Draft(
        f"T3.let-in.{step.name}",
        f"{step.title}. Where is the last of these requests let in?",
        tuple(option(value) for value in dict.fromkeys(sets)),
        lambda value: value == inside(),
    )


def statuses(sheet: Sheet) -> Iterator[Draft[int]]:
    """T3: ask what one column answers to a request that not every column lets in."""
    for step in sheet.run.plot.steps:
        for column in sheet.columns:
            answer = sheet.answer(column, step.name)
            if answer is not None and (not answer.accepted or _differ(sheet, step.name)):
                yield _one_status(sheet, column, step)


def _one_status(sheet: Sheet, column: Column, step: Step) -> Draft[int]:
    shown_by = replied(sheet, column, step.name)
    return Draft(
        f"T3.status.{step.name}.{column.name}",
        f"Column `{column.name}`. {step.title}. What does it get, at the last try?",
        tuple(Option(status, text, shown_by) for status, text in STATUSES.items()),
        lambda value: value == status_of(sheet, column, step.name),
    )


def both(sheet: Sheet) -> Iterator[Draft[tuple[int, int]]]:
    """T3: ask for her own next request and the thief's, where the run has both."""
    for column in sheet.columns:
        found = [
            pair
            for pair in pairwise(step.name for step in sheet.run.plot.steps)
            if {client_of(column, one) for one in pair} == {THIEF, VICTIM}
            and not any(_changes(column, one) for one in pair)
        ]
        for pair in found[-1:]:  # the others are from before the end that the run is about
            own, thief = sorted(pair, key=lambda one: client_of(column, one) == THIEF)
            yield _both(sheet, column, own, thief)


def _both(sheet: Sheet, column: Column, own: str, thief: str) -> Draft[tuple[int, int]]:
    def got() -> tuple[int, int]:
        return status_of(sheet, column, own), status_of(sheet, column, thief)

    now = got()

    def option(value: tuple[int, int]) -> Option[tuple[int, int]]:
        step = own if value[0] != now[0] else thief
        return Option(
            value,
            f"hers {value[0]}, the thief's {value[1]}",
            replied(sheet, column, step),
        )

    return Draft(
        f"T3.both.{own}.{column.name}",
        f"Column `{column.name}`, steps “{own}” and “{thief}”: what does the next request of her "
        "own browser get, and what does the thief's get?",
        tuple(option((hers, his)) for hers in (200, 401) for his in (200, 401)),
        lambda value: value == got(),
    )


def replied(sheet: Sheet, column: Column, step: str) -> Reading:
    """Return the cell with the answer of a step."""
    for phase in _ANSWERS:
        row = sheet.row_of(step, phase)
        if row is not None and sheet.events(row, column.name):
            return Reading(row, column.name, (f"status {status_of(sheet, column, step)}",))
    return Reading(0, column.name, ())


def status_of(sheet: Sheet, column: Column, step: str) -> int:
    """Return the last status of a step in a column, 0 without a request."""
    answer = sheet.answer(column, step)
    return answer.status if answer else 0


def _differ(sheet: Sheet, step: str) -> bool:
    return len({status_of(sheet, one, step) for one in sheet.columns}) > 1


def client_of(column: Column, step: str) -> str | None:
    """Return who made the last request of a step in a column."""
    made = [one.client for one in column.in_step(step) if one.phase in _ANSWERS]
    return made[-1] if made else None


def _changes(column: Column, step: str) -> bool:
    """Tell whether a step ends or begins something, so that it is no mere next request."""
    return any(one.phase in _CHANGES for one in column.in_step(step))

"""T4: which choice made the difference between two columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from limen.lab.quiz.item import Draft, Option
from limen.lab.quiz.phrases import status_named
from limen.lab.quiz.replies import replied, status_of
from limen.lab.quiz.sheet import Reading
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limen.lab.quiz.sheet import Sheet
    from limen.lab.run import Column, Step


@dataclass(frozen=True, slots=True)
class Switch:
    """What two columns can differ in: its name, how it stands in a column, where that shows.

    `marks` are how the words begin that show it, in a cell of one of the phases.
    """

    id: str
    text: str
    stands: Callable[[Column], object]
    phases: tuple[Phase, ...]
    marks: tuple[str, ...] = ()


def _has_refresh(column: Column) -> bool:
    return any(
        value.get("kind") == "refresh"
        for event in column.events
        for value in event.outcome.values()
    )


SWITCHES: Final = (
    Switch(
        "format",
        "what the credential is: a signed token, or an id that is looked up",
        lambda column: column.guarantees.format,
        (Phase.CREDENTIAL_VALIDATE, Phase.CREDENTIAL_ISSUE),
        ("credential ",),
    ),
    Switch(
        "check",
        "what is asked on each request: nothing, the feed, or the store",
        lambda column: column.guarantees.check,
        (Phase.REVOCATION_CHECK, Phase.CREDENTIAL_VALIDATE),
    ),
    Switch(
        "refresh",
        "whether there is a refresh token beside it",
        _has_refresh,
        (Phase.REFRESH, Phase.CLIENT_STORE),
        ("credential ref", "refresh "),
    ),
    Switch(
        "storage",
        "where the client keeps it",
        lambda column: column.setup.storage,
        (Phase.CLIENT_STORE,),
        ("holder ",),
    ),
    Switch(
        "memory",
        "where the server keeps its rows: a store for all processes, or memory of its own",
        lambda column: column.setup.memory,
        (Phase.CREDENTIAL_VALIDATE,),
    ),
    Switch(
        "origins",
        "which pages may act with the cookies",
        lambda column: column.setup.trusted_origins,
        (Phase.CSRF_CHECK,),
    ),
)


def causes(sheet: Sheet) -> Iterator[Draft[str]]:
    """Ask for each two columns that answered differently; one choice in common is for `settled`."""
    for step in sheet.run.plot.steps:
        for first, second in combinations(sheet.columns, 2):
            statuses = {status_of(sheet, first, step.name), status_of(sheet, second, step.name)}
            if len(statuses) > 1 and 0 not in statuses:
                yield _cause(sheet, step, first, second)


def _cause(sheet: Sheet, step: Step, first: Column, second: Column) -> Draft[str]:
    def decided(switch: str) -> bool:
        (one,) = (each for each in SWITCHES if each.id == switch)
        return one.stands(first) != one.stands(second)

    def option(one: Switch) -> Option[str]:
        alike = "" if decided(one.id) else f"The same choice as in `{first.name}`."
        return Option(one.id, one.text, _seen(sheet, second, step.name, one), alike)

    answers = [
        f"`{one.name}` answers {status_named(status_of(sheet, one, step.name))}"
        for one in (first, second)
    ]
    return Draft(
        f"T4.{step.name}.{first.name}.{second.name}",
        f"{step.title}. {'; '.join(answers)}. Which choice made the difference?",
        tuple(option(one) for one in SWITCHES),
        decided,
    )


def _seen(sheet: Sheet, column: Column, step: str, switch: Switch) -> Reading:
    """Return where a choice shows in a column: in this step, else where it first does."""
    here = [sheet.row_of(step, phase) for phase in switch.phases]
    anywhere = [row for row, one in sheet.rows.items() if one.phase in switch.phases]
    rows = [row for row in (*here, *anywhere) if row is not None]
    for row in rows:
        said = [one for one in sheet.said(row, column.name) if one.startswith(switch.marks)]
        if switch.marks and said:
            return Reading(row, column.name, tuple(said[:1]))
    return sheet.quote(rows[0], column.name) if rows else replied(sheet, column, step)

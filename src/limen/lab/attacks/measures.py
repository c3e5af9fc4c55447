"""How the outcome of a question is read: from the trace and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.attacks.card import NO_STEP, last_status
from limen.lab.reading.answers import FIRST_REFUSAL
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.attacks.card import Measure, Outcome
    from limen.lab.run import Column, Run, Step
    from limen.trace.event import RecordedCheck

UNCHANGED: Final = "unchanged"
_ANSWERS: Final = frozenset({Phase.LOGIN_RESPOND, Phase.RESOURCE_RESPOND})
_AS_SENT: Final = "as sent"


def status_of(step: Step) -> Measure:
    """Read the last status that a step got."""
    return lambda run, column: last_status(run, column, step.name)


def refusal_of(step: Step) -> Measure:
    """Read the last status that a step got and, of a refusal, which check made it."""

    def measured(run: Run, column: Column) -> Outcome:
        status, check = last_status(run, column, step.name), refusing_check(column, step.name)
        return status if check is None else f"{status} by {check}"

    return measured


def refusing_check(column: Column, step: str) -> str | None:
    """Return the name of the check that refused the last request of a step, if one did."""
    failed = _failed(column, step)
    return failed[-1].name if failed else None


def reason_of(column: Column, step: str) -> str | None:
    """Return why the last request of a step was refused, as the server noted it."""
    reasons = [check.reason for check in _failed(column, step) if check.reason]
    return reasons[-1] if reasons else None


def rows_during(table: str, step: Step) -> Measure:
    """Read what a step made of the number of rows of a table."""

    def measured(run: Run, column: Column) -> Outcome:
        del run
        counts = [
            (column.step_of.get(snapshot.request_id), len(one.rows) + one.more)
            for snapshot in column.ledger
            for one in snapshot.tables
            if one.name == table
        ]
        inside = [place for place, (name, _) in enumerate(counts) if name == step.name]
        if not inside:
            return NO_STEP
        before, after = counts[max(inside[0] - 1, 0)][1], counts[inside[-1]][1]
        return UNCHANGED if before == after else f"{before} before, {after} after"

    return measured


def _failed(column: Column, step: str) -> list[RecordedCheck]:
    """Return the checks that failed in the last request of a step, if that was refused."""
    events = column.in_step(step)
    answers = [one for one in events if one.phase in _ANSWERS and _AS_SENT in one.badges]
    if not answers or int(answers[-1].outcome["status"]["v"]) < FIRST_REFUSAL:
        return []
    request = [one for one in events if one.request_id == answers[-1].request_id]
    return [check for event in request for check in event.checks if not check.ok]

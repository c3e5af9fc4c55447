"""What each strategy answered in each step: the run at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.run import Column, Run, Step

FIRST_REFUSAL: Final = 400  # HTTP statuses from here on refuse or fail
FIRST_FAULT: Final = 500  # and from here on it is no fault of the client
_ANSWERS: Final = frozenset({Phase.LOGIN_RESPOND, Phase.RESOURCE_RESPOND})
_AS_SENT: Final = "as sent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer of one step, how many there were, and why the server refused if it did."""

    status: int
    count: int
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether the request got what it asked for."""
        return self.status < FIRST_REFUSAL


def answers_of(run: Run) -> list[tuple[Step, list[Answer | None]]]:
    """Return the answers by step and strategy; `None` where no request was made."""
    return [(step, [_answer(column, step) for column in run.columns]) for step in run.plot.steps]


def _answer(column: Column, step: Step) -> Answer | None:
    events = column.in_step(step.name)
    sent = [one for one in events if one.phase in _ANSWERS and _AS_SENT in one.badges]
    if not sent:
        return None
    last, status = sent[-1], int(sent[-1].outcome["status"]["v"])
    asked = [one for one in events if one.request_id == last.request_id]
    reasons = [check.reason for event in asked for check in event.checks if check.reason]
    # Whoever is known and may not was refused for no fault of a credential.
    known = any(event.phase is Phase.AUTHZ_DECIDE for event in asked)
    refused = reasons and FIRST_REFUSAL <= status < FIRST_FAULT and not known
    return Answer(status, len(sent), reasons[-1] if refused else None)

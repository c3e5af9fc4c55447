"""Drive a flow by hand, or listen to one that a driver runs.

seen = feed(strategy.authenticate(Secret(text), now), [standing, True])
assert [type(one) for one in seen.effects] == [FindSession, TouchSession]
assert seen.checks[-1].ok
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from limen.effects import Access, AppendAudit, Effect
from limen.evidence import Check, Checks, Enter, Note
from limen.verdict import Refused

if TYPE_CHECKING:
    from limen.effects import Flow, Step
    from limen.phase import Phase

R = TypeVar("R")
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class FlowTranscript(Generic[R]):
    """Everything that a flow yielded, in order, and the value that it returned."""

    steps: tuple[Step, ...]
    value: R

    @property
    def effects(self) -> tuple[Effect[Any], ...]:
        """What it asked."""
        return tuple(step for step in self.steps if isinstance(step, Effect))

    @property
    def checks(self) -> tuple[Check, ...]:
        """The rules that it applied."""
        return tuple(step for step in self.steps if isinstance(step, Check))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What it said of its results."""
        return tuple(step for step in self.steps if isinstance(step, Note))

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The steps of the vocabulary that it entered."""
        return tuple(step.phase for step in self.steps if isinstance(step, Enter))

    @property
    def reads(self) -> int:
        """How many times it read the store."""
        return sum(effect.access is Access.READ for effect in self.effects)

    @property
    def writes(self) -> int:
        """How many times it wrote to the store, but for the audit log."""
        return sum(
            effect.access is Access.WRITE and not isinstance(effect, AppendAudit)
            for effect in self.effects
        )

    @property
    def explains_itself(self) -> bool:
        """Whether a refusal came right after the failed check that names its reason."""
        if not isinstance(self.value, Refused):
            return True
        steps = [step for step in self.steps if not isinstance(step, AppendAudit)]
        last = steps[-1] if steps else None
        return isinstance(last, Check) and not last.ok and last.reason is self.value.reason


def feed(
    flow: Flow[R], answers: Iterable[Any] | Callable[[Effect[Any]], Any] = ()
) -> FlowTranscript[R]:
    """Run a flow to its end with answers given in order, or by a function of the effect.

    Raises `AssertionError` if it asks more questions than there are answers, or fewer.
    """
    steps: list[Step] = []
    given = None if callable(answers) else iter(answers)
    answer: Any = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            if given is not None and next(given, _NOTHING) is not _NOTHING:
                raise AssertionError("the flow ended before it used every answer") from None
            return FlowTranscript(tuple(steps), stop.value)
        steps.extend(_told(step))
        if not isinstance(step, Effect):
            answer = None
        elif given is None:
            assert callable(answers)
            answer = answers(step)
        else:
            answer = next(given, _NOTHING)
            if answer is _NOTHING:
                raise AssertionError(f"there is no answer to {type(step).__name__}")


def overheard(flow: Flow[R]) -> Flow[FlowTranscript[R]]:
    """Return a flow that does the same and returns its transcript, for a real driver."""
    steps: list[Step] = []
    answer: Any = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return FlowTranscript(tuple(steps), stop.value)
        steps.extend(_told(step))
        answer = yield step


def _told(step: Step) -> tuple[Step, ...]:
    return step.listed() if isinstance(step, Checks) else (step,)

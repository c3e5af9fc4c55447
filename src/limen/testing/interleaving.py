"""Two flows, one step at a time, in every order that there is.

A flow says what it asks before it asks, so whoever drives two of them decides exactly whose
question comes next: no threads, no luck, and a schedule that failed fails again.

for run in every_order(scene):     # `scene` makes a new world with its two actors each time
    ...judge(run)...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from limen.effects import Access, Effect

if TYPE_CHECKING:
    from limen.effects import AnyEffect, Flow

# What others could notice, or what could notice others. The rest is a process's own affair.
POINTS: Final = frozenset({Access.READ, Access.WRITE, Access.MEMORY})


class Actor:
    """One flow under way. It stands before a question, or has ended."""

    def __init__(self, flow: Flow[Any], answer: Callable[[AnyEffect], Any]) -> None:
        """Begin the flow; `answer` is that of a `BlockingLimen`."""
        self._flow = flow
        self._answer = answer
        self._waiting: Any = None
        self.value: Any = None
        self.fault: Exception | None = None
        self.ended = False
        self.asked: list[Effect[Any]] = []
        self._go_on(None)

    @property
    def waiting(self) -> Effect[Any] | None:
        """The question before which it stands, `None` if it has ended."""
        return None if self.ended else self._waiting

    def step(self) -> None:
        """Have the question answered and go on to the next."""
        question = self._waiting
        self.asked.append(question)
        try:
            answer = self._answer(question)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the flow is over
            self.fault, self.ended = fault, True
            self._flow.close()
            return
        self._go_on(answer)

    def finish(self) -> None:
        """Go on to the end."""
        while not self.ended:
            self.step()

    def _go_on(self, answer: Any) -> None:
        try:
            while True:
                said = self._flow.send(answer)
                answer = None
                if not isinstance(said, Effect):
                    continue
                if said.access in POINTS:
                    self._waiting = said
                    return
                answer = self._answer(said)
        except StopIteration as stop:
            self.value, self.ended = stop.value, True


def both_read(one: Effect[Any], other: Effect[Any]) -> bool:
    """Tell whether it makes no difference which of two questions comes first."""
    return one.access is Access.READ and other.access is Access.READ


S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Run(Generic[S]):
    """One schedule: whose question came when (0 or 1), and the world afterwards."""

    schedule: tuple[int, ...]
    scene: S
    actors: tuple[Actor, Actor]


def every_order(
    make: Callable[[], tuple[S, Actor, Actor]],
    *,
    after_step: Callable[[S, tuple[Actor, Actor]], None] | None = None,
    commute: Callable[[Effect[Any], Effect[Any]], bool] = both_read,
) -> Iterator[Run[S]]:
    """Run two flows in every order of their questions, each time in a new world.

    Which questions a flow asks depends on the answers, so the orders are found by walking
    them: each run follows its prefix, lets the first go first wherever it may choose, and the
    last choice that could have gone the other way begins the next run. Of orders that differ
    only in neighbours that `commute` one is run.
    """
    prefix: list[int] = []
    while True:
        scene, *two = make()
        actors = (two[0], two[1])
        schedule: list[int] = []
        free: list[int] = []  # where there was a choice
        repeats = False
        while not all(one.ended for one in actors):
            living = [number for number in (0, 1) if not actors[number].ended]
            at = len(schedule)
            if 0 in living and schedule and schedule[-1] == 1:
                # The first could have asked this just before, and that is another run.
                last, next_ = actors[1].asked[-1], actors[0].waiting
                if next_ is not None and commute(last, next_):
                    living.remove(0)
            if not living:
                repeats = True
                break
            choice = prefix[at] if at < len(prefix) else living[0]
            if len(living) > 1:
                free.append(at)
            actors[choice].step()
            schedule.append(choice)
            if after_step is not None:
                after_step(scene, actors)
        if not repeats:
            yield Run(tuple(schedule), scene, actors)
        turned = [at for at in free if schedule[at] == 0]
        if not turned:
            return
        prefix = [*schedule[: turned[-1]], 1]

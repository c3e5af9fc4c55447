"""An attack card: what is tried, what each column must answer, and which switch decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.lab.playing.stage import carried_out
from limen.lab.reading.answers import answers_of
from limen.lab.servers.site import Person
from limen.lab.setups import ATTACKED, Setup

if TYPE_CHECKING:
    from limen.lab.playing.stage import Script
    from limen.lab.run import Column, Plot, Run
    from limen.lab.servers.site import StoreFor

# What a column answers where the attack has nothing to aim at.
NO_STEP: Final = "no step"
Outcome: TypeAlias = str
Measure: TypeAlias = "Callable[[Run, Column], Outcome]"
Facts: TypeAlias = "Callable[[Run, Column], Mapping[str, str]]"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question of a card, with an oracle of its own: by the name of a setup, the outcome
    that must be measured.
    """

    question: str
    expected: Mapping[str, Outcome]
    measured: Measure = field(repr=False)


@dataclass(frozen=True, slots=True)
class Card:
    """One attack, tried for real against each of its setups.

    `expected` is the oracle: by the name of a setup, the outcome that must be measured, one
    of `choices`, which are also what a person may predict. The outcome of a column is the last
    status of the step `deciding`, `no step` without one, unless `measured` reads it otherwise.
    `switch` says which choice decided, `fix` what to change to get another outcome.

    `probes` are further questions to the same run, which nobody predicts. `fixed` are the same
    attack against what `fix` speaks of, each told apart by its `condition`. `roles` are those
    that Alice has when it begins, and with `staff` there is an administrator; `nodes` and
    `store_apart` are those of a scenario. `facts` are what
    a run says besides its outcome, to be shown with it.
    """

    id: str
    plot: Plot
    script: Script = field(repr=False)
    question: str
    deciding: str
    choices: tuple[Outcome, ...]
    expected: Mapping[str, Outcome]
    switch: str
    fix: str
    setups: tuple[Setup, ...] = ATTACKED
    measured: Measure | None = None
    probes: tuple[Probe, ...] = ()
    fixed: tuple[Card, ...] = ()
    condition: str = ""
    roles: tuple[str, ...] = ()
    staff: bool = False
    nodes: int = 0
    store_apart: bool = False
    facts: Facts | None = None
    see: tuple[str, ...] = ()

    def __call__(self, person: Person | None = None, *, store_for: StoreFor | None = None) -> Run:
        """Try it; that takes seconds."""
        alice = replace(person or Person.generated(), roles=self.roles)
        staff = Person.of_staff() if self.staff else None
        return carried_out(
            self.plot,
            self.script,
            alice,
            setups=self.setups,
            store_for=store_for,
            staff=staff,
            nodes=self.nodes,
            store_apart=self.store_apart,
        )

    @property
    def title(self) -> str:
        """What is tried, and under which condition, as a headline."""
        told = self.plot.title[:1].upper() + self.plot.title[1:]
        return f"{told}: {self.condition}" if self.condition else told

    def outcome(self, run: Run, column: Column) -> Outcome:
        """Return what was measured in one column of a run of this card."""
        if self.measured is not None:
            return self.measured(run, column)
        return last_status(run, column, self.deciding)

    @property
    def questions(self) -> tuple[Probe, ...]:
        """Return everything that a run of this card must answer, what decides first."""
        return (Probe(self.question, self.expected, self.outcome), *self.probes)

    def under_each_condition(self) -> Iterator[Card]:
        """Yield this card, and the same attack under every other condition."""
        yield self
        for one in self.fixed:
            yield from one.under_each_condition()


def last_status(run: Run, column: Column, step: str) -> Outcome:
    """Return the last status that a step got in a column, `no step` if it made no request."""
    place = run.columns.index(column)
    for one, answers in answers_of(run):
        answer = answers[place]
        if one.name == step and answer is not None:
            return str(answer.status)
    return NO_STEP

"""An attack card: what is tried, what each column must answer, and which switch decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.lab.answers import answers_of
from limen.lab.setups import ATTACKED, Setup
from limen.lab.stage import carried_out

if TYPE_CHECKING:
    from limen.lab.run import Column, Plot, Run
    from limen.lab.site import Person, StoreFor
    from limen.lab.stage import Script

# What a column answers where the attack has nothing to aim at.
NO_STEP: Final = "no step"
Outcome: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Card:
    """One attack, tried for real against each of its setups.

    `expected` is the oracle: by the name of a setup, the outcome that must be measured, one
    of `choices`, which are also what a person may predict. The outcome of a column is the last
    status of the step `deciding`, `no step` without one, unless `measured` reads it otherwise.
    `switch` says which choice decided, `fix` what to change to get another outcome.
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
    measured: Callable[[Run, Column], Outcome] | None = None

    def __call__(self, person: Person | None = None, *, store_for: StoreFor | None = None) -> Run:
        """Try it; that takes seconds."""
        return carried_out(self.plot, self.script, person, setups=self.setups, store_for=store_for)

    def outcome(self, run: Run, column: Column) -> Outcome:
        """Return what was measured in one column of a run of this card."""
        if self.measured is not None:
            return self.measured(run, column)
        return last_status(run, column, self.deciding)


def last_status(run: Run, column: Column, step: str) -> Outcome:
    """Return the last status that a step got in a column, `no step` if it made no request."""
    place = run.columns.index(column)
    for one, answers in answers_of(run):
        answer = answers[place]
        if one.name == step and answer is not None:
            return str(answer.status)
    return NO_STEP

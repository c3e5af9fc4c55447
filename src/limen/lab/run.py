"""What a run is: one scenario, carried out once under each strategy, and all that it left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.guarantees import Guarantees
    from limen.phase import Phase
    from limen.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario. `home` has a row even where no strategy does anything there."""

    name: str
    title: str
    home: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """What a scenario is about, in words, and its steps in order.

    `ending` names what ends the sign-in before a copy of its credentials is tried, if
    anything does.
    """

    id: str
    title: str
    story: str
    steps: tuple[Step, ...]
    ending: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """What one strategy did: its promises, its events, and each request's step."""

    strategy: str
    guarantees: Guarantees
    events: tuple[TraceEvent, ...]
    step_of: Mapping[str, str]

    def in_step(self, step: str) -> tuple[TraceEvent, ...]:
        """Return the events of one step of the scenario, in order."""
        return tuple(one for one in self.events if self.step_of.get(one.request_id) == step)


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario carried out once under each strategy. `at` is in milliseconds."""

    id: str
    at: int
    plot: Plot
    environment: Mapping[str, str]
    columns: tuple[Column, ...]

    def as_json(self) -> dict[str, object]:
        """Return the run as JSON values: the events, and what is needed to read them."""
        return {
            "v": 1,
            "run": self.id,
            "at": self.at,
            "scenario": self.plot.id,
            "environment": dict(self.environment),
            "columns": [
                {
                    "strategy": column.strategy,
                    "guarantees": _promised(column.guarantees),
                    "steps": dict(column.step_of),
                    "events": [event.as_json() for event in column.events],
                }
                for column in self.columns
            ],
        }


def _promised(guarantees: Guarantees) -> dict[str, object]:
    return {
        "format": guarantees.format.value,
        "check": guarantees.check.value,
        "store_reads_per_request": guarantees.store_reads_per_request,
        "revocation_window_ms": guarantees.revocation_window,
        "idle_ms": guarantees.idle,
        "absolute_ms": guarantees.absolute,
        "needs_store": guarantees.needs_store,
    }

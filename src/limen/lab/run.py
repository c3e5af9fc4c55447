"""What a run is: one scenario, carried out once under each setup, and all that it left."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from limen.lab.recording.canaries import Canaries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.guarantees import Guarantees
    from limen.lab.recording.exchange import Exchange, Token
    from limen.lab.recording.ledger import Snapshot
    from limen.lab.setups import Setup
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
    """What one setup did: its promises, its events, and each request's step.

    `exchanges` is what crossed the wire, `tokens` what anybody can read in the signed tokens
    that did, by label; `ledger` is what the store held before the first request and after
    each one.
    """

    setup: Setup
    guarantees: Guarantees
    events: tuple[TraceEvent, ...]
    step_of: Mapping[str, str]
    exchanges: tuple[Exchange, ...] = ()
    tokens: Mapping[str, Token] | None = None
    ledger: tuple[Snapshot, ...] = ()
    canaries: Canaries = field(default_factory=Canaries, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of the setup: the head of the column."""
        return self.setup.name

    def in_step(self, step: str) -> tuple[TraceEvent, ...]:
        """Return the events of one step of the scenario, in order."""
        return tuple(one for one in self.events if self.step_of.get(one.request_id) == step)


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario carried out once under each setup. `at` is in milliseconds.

    `imported` says that it was read from a file and not carried out here.
    """

    id: str
    at: int
    plot: Plot
    environment: Mapping[str, str]
    columns: tuple[Column, ...]
    imported: bool = False

    @property
    def canaries(self) -> Canaries:
        """The secrets of all columns, to be searched for in what leaves the Lab."""
        return reduce(or_, (column.canaries for column in self.columns), Canaries())

    def column(self, name: str) -> Column | None:
        """Return the column of this name, if there is one."""
        return next((one for one in self.columns if one.name == name), None)

    def as_json(self) -> dict[str, object]:
        """Return the run as JSON values: the events, and what is needed to read them."""
        return {
            "v": 1,
            "run": self.id,
            "at": self.at,
            "scenario": self.plot.id,
            "environment": dict(self.environment),
            "columns": [_column(column) for column in self.columns],
        }


def _column(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "settings": column.setup.code,
        "carrier": column.setup.carrier,
        "storage": column.setup.storage.value,
        "guarantees": _promised(column.guarantees),
        "steps": dict(column.step_of),
        "events": [event.as_json() for event in column.events],
        "exchanges": [exchange.as_json() for exchange in column.exchanges],
        "tokens": {name: token.as_json() for name, token in (column.tokens or {}).items()},
        "store": [snapshot.as_json() for snapshot in column.ledger],
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

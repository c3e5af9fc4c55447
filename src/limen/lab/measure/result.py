"""What was measured, as values: nothing in it opens anything, and nothing is without its number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.lab.measure.costs import Costs
    from limen.lab.measure.growth import Growth
    from limen.lab.measure.outage import Outage
    from limen.lab.measure.sizes import Sizes
    from limen.lab.measure.window import Window
    from limen.lab.setups import Setup


@dataclass(frozen=True, slots=True)
class Sample:
    """Durations of one kind in nanoseconds, in the order in which they were taken."""

    values: tuple[int, ...]

    @property
    def n(self) -> int:
        """Return how many there are."""
        return len(self.values)

    @property
    def p50(self) -> int:
        """Return the duration that half of them did not exceed."""
        return self.at(0.50)

    @property
    def p95(self) -> int:
        """Return the duration that 95 % of them did not exceed."""
        return self.at(0.95)

    @property
    def longest(self) -> int:
        """Return the longest of them."""
        return max(self.values)

    def at(self, share: float) -> int:
        """Return the duration that this share of them did not exceed (nearest rank)."""
        return sorted(self.values)[max(math.ceil(share * self.n) - 1, 0)]

    def as_json(self) -> dict[str, object]:
        """Return the sample as JSON values."""
        return {
            "n": self.n,
            "p50_ns": self.p50,
            "p95_ns": self.p95,
            "max_ns": self.longest,
            "values_ns": list(self.values),
        }


@dataclass(frozen=True, slots=True)
class Latency:
    """How long three things took under one setup.

    `warm` is the check of a credential that this process knows, `first` that of one which it
    sees for the first time, both in process; `request` is a whole request over the loopback.
    """

    warm: Sample
    first: Sample
    request: Sample

    def as_json(self) -> dict[str, object]:
        """Return the samples as JSON values."""
        return {
            "warm": self.warm.as_json(),
            "first": self.first.as_json(),
            "request": self.request.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured of one setup; `None` is not measured."""

    setup: Setup
    latency: Latency
    revocation: Window
    staleness: Window
    outage: Outage | None
    costs: Costs
    growth: Growth

    @property
    def name(self) -> str:
        """The name of the setup."""
        return self.setup.name

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "settings": self.setup.code,
            "latency": self.latency.as_json(),
            "revocation_window": self.revocation.as_json(),
            "staleness_window": self.staleness.as_json(),
            "store_outage": None if self.outage is None else self.outage.as_json(),
            "costs": self.costs.as_json(),
            "growth": self.growth.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement of several setups on one machine. `at` is in milliseconds.

    `busy` is whether others took much of the machine before. `unprotected` is a request for a
    resource that asks nobody who they are; `collections` is how often the garbage collector
    ran while checks were timed.
    """

    id: str
    at: int
    sizes: Sizes
    machine: Mapping[str, str]
    busy: bool
    unprotected: Sample
    collections: int
    columns: tuple[Measured, ...]

    def as_json(self) -> dict[str, object]:
        """Return the measurement as JSON values."""
        return {
            "v": 1,
            "measurement": self.id,
            "at": self.at,
            "machine": dict(self.machine),
            "machine_was_busy": self.busy,
            "sizes": {name: getattr(self.sizes, name) for name in self.sizes.__slots__},
            "garbage_collections": self.collections,
            "unprotected_request": self.unprotected.as_json(),
            "columns": [column.as_json() for column in self.columns],
        }

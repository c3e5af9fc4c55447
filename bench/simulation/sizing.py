"""Arithmetic for sizing: cores, bits a second, and how far one log carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.simulation import costs as measured
from bench.simulation.costs import Facts
from bench.simulation.parameters import INTERVAL_MS, Costs

MEGA = 10**6
BELL_OCTETS = 27  # PostgreSQL's NotificationResponse with our channel and no payload
LISTENERS = 500  # connections that one PostgreSQL may hold for bells; they cross no pooler
CLIENTS = 5_000  # nodes with two connections each: what one Redis allows by default
APPENDS = 0.5  # of what can be appended, so that a burst does not queue for long
USERS_OF_A_NODE = 100_000  # registered, for each process that checks their requests


def rung(costs: Costs, nodes: float, per_s: float) -> float:
    """Return the cores that appends, bells and the looks after them take."""
    each = costs.bell_us + costs.look_us + costs.entry_us
    return per_s * (costs.append_us + nodes * each) / MEGA


def polled(costs: Costs, nodes: float, per_s: float) -> float:
    """Return the cores that appends and looks at intervals take."""
    looks = nodes * (1000 / INTERVAL_MS * costs.look_us + per_s * costs.entry_us)
    return (per_s * costs.append_us + looks) / MEGA


@dataclass(frozen=True, slots=True)
class Way:
    """One way to follow one log."""

    name: str
    costs: Costs
    rings: bool
    connections: float = math.inf

    def stops_at(self, nodes: int) -> tuple[float, str]:
        """Return the highest rate of entries that this carries, and what ends it."""
        if nodes > self.connections:
            return 0.0, "connections"
        costs = self.costs
        appends = APPENDS * 1000 / costs.append_ms
        cores = polled if not self.rings else rung
        idle = cores(costs, nodes, 0.0)
        each = cores(costs, nodes, 1.0) - idle
        carried = max(0.0, (costs.capacity - idle) / each)
        return (appends, "appends") if appends < carried else (carried, "cores")


def ways(facts: Facts) -> tuple[Way, ...]:
    """Return every way that Limen has today."""
    database = measured.postgresql(facts)
    return (
        Way("PostgreSQL, its bell", database, rings=True, connections=LISTENERS),
        Way("PostgreSQL, polled", database, rings=False),
        Way("Redis, its bell", measured.redis(facts), rings=True, connections=CLIENTS),
        Way("Redis, polled", measured.redis(facts), rings=False, connections=CLIENTS),
    )


def cells(way: Way, nodes: int, per_s: float) -> int:
    """Return into how many equal parts users and nodes must be divided."""
    parts = 1
    while way.stops_at(math.ceil(nodes / parts))[0] < per_s / parts:
        parts += 1
    return parts


def node_bits(facts: Facts, store: str, per_s: float, looks_per_s: float, *, rings: bool) -> float:
    """Return the bits a second between a store and one node, without TCP and TLS."""
    found = facts[store]
    look = found["look"]["asked"] + found["look"]["answered"]
    entry = (found["page"]["answered"] - found["look"]["answered"]) / 1000
    bell = 0.0
    if rings:
        bell = BELL_OCTETS if store == "postgresql" else found["rungs"]["1"]["octets"]
    return float(8 * (looks_per_s * look + per_s * (entry + bell)))

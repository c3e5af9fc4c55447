"""Who takes part in the model: the nodes that follow the log, and what they look at."""

from __future__ import annotations

from dataclasses import dataclass

from bench.simulation import chance
from bench.simulation.judge import Delta
from bench.simulation.parameters import Costs


class Source:
    """What nodes look at: the store, or a relay, which is a node that others follow."""

    __slots__ = ("answers", "busy", "entry_ms", "free_at", "look_ms", "parked", "relay")

    def __init__(self, costs: Costs, relay: Node | None = None) -> None:
        self.relay = relay
        self.look_ms = costs.look_us / 1000 / costs.capacity
        self.entry_ms = costs.entry_us / 1000 / costs.capacity
        self.free_at = 0.0
        self.busy = 0.0
        self.answers = 0
        self.parked: list[tuple[Node, int]] = []


class Node:
    """One process that follows the log."""

    __slots__ = (
        "as_of",
        "asked",
        "bells",
        "cuts",
        "down",
        "failures",
        "from_memory",
        "known",
        "look",
        "number",
        "rings_until",
        "rung_at",
        "serves",
        "since",
        "source",
        "stalls",
        "timer",
    )

    def __init__(self, number: int, source: Source) -> None:
        self.number = number
        self.source = source
        self.serves: Source | None = None  # if it is a relay
        self.known = 0
        self.as_of = 0.0  # complete up to here
        self.asked = 0.0
        self.look = 0
        self.failures = 0
        self.bells = 0  # how many were heard, lost or are on their way
        self.rung_at = 0.0  # when the last of them is heard
        self.rings_until = 0.0  # what was committed by then has rung
        self.from_memory = True
        self.timer = False
        self.since = 0.0  # of the fall-back
        self.cuts: list[chance.Window] = []  # no bell, no look
        self.down: list[chance.Window] = []  # no read of the store
        self.stalls: list[chance.Window] = []


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run showed. Shares are of node time; rates are of the whole fleet."""

    delta: Delta
    commits: int
    looks_per_s: float  # at the store
    source_load: float  # of the busiest source: looks, bells and fall-back reads
    node_looks_per_s: float
    node_cpu: float  # share of a core for looks
    fall_back: float
    refused: float  # of node time: neither memory nor store
    most_in_fall_back: int
    fall_back_reads_per_s: float
    refusals_per_s: float

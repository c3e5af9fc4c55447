"""Chance, drawn from one seed: delays, and the windows in which something does not work."""

from __future__ import annotations

import math
from bisect import bisect_right
from random import Random

from bench.simulation.parameters import RETRANSMIT_MS, TIMEOUT_MS, Network, Setup

Window = tuple[float, float]


def log_normal(random: Random, median: float, sigma: float) -> float:
    """Draw a delay."""
    return median * math.exp(sigma * random.gauss(0.0, 1.0)) if median else 0.0


def delivered(random: Random, network: Network, cuts: list[Window], at: float) -> float:
    """Draw when a message arrives: what is lost or cut is sent again after a while."""
    sent, wait = at, RETRANSMIT_MS
    while random.random() < network.packet_loss or ends_after(cuts, sent) > sent:
        sent += wait
        wait *= 2
        if sent - at > TIMEOUT_MS:
            return math.inf
    return sent + log_normal(random, network.median_ms, network.sigma)


def commits(random: Random, setup: Setup, until: float) -> list[float]:
    """Draw when entries are committed: they arrive by chance and are appended one by one.

    While the store is gone nothing is: `revoke` raises.
    """
    gone = windows_of(setup.trouble.outage)
    made: list[float] = []
    arrival = free = 0.0
    while True:
        arrival += random.expovariate(setup.per_s / 1000)
        if ends_after(gone, arrival) > arrival:
            continue
        free = max(arrival, free) + setup.costs.append_ms
        if free > until:
            return made
        made.append(free)


def stalls(random: Random, setup: Setup, until: float) -> list[Window]:
    """Draw when one process stands still."""
    host = setup.host
    return _windows(random, host.stall_every_s, host.stall_median_ms, host.stall_sigma, until)


def cuts(random: Random, setup: Setup, until: float, *, parted: bool) -> list[Window]:
    """Draw when one node's packets vanish; `parted` nodes are behind the partition."""
    trouble = setup.trouble
    made = _windows(
        random, trouble.cut_every_s, trouble.cut_median_s * 1000, trouble.cut_sigma, until
    )
    return merged(made + (windows_of(trouble.partition) if parted else []))


def windows_of(planned: tuple[float, float] | None) -> list[Window]:
    """Return a planned window, from seconds to milliseconds."""
    if planned is None:
        return []
    start, length = planned
    return [(start * 1000, (start + length) * 1000)]


def _windows(
    random: Random, every_s: float, median_ms: float, sigma: float, until: float
) -> list[Window]:
    made: list[Window] = []
    at = random.expovariate(1 / (every_s * 1000)) if every_s else math.inf
    while at < until:
        ends = at + log_normal(random, median_ms, sigma)
        made.append((at, ends))
        at = ends + random.expovariate(1 / (every_s * 1000))
    return made


def merged(windows: list[Window]) -> list[Window]:
    """Return the same windows in order and without overlaps."""
    made: list[Window] = []
    for start, end in sorted(windows):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


def ends_after(windows: list[Window], at: float) -> float:
    """Return when the window that holds a moment ends; the moment itself if none does."""
    if windows:
        place = bisect_right(windows, (at, math.inf)) - 1
        if place >= 0 and at < windows[place][1]:
            return windows[place][1]
    return at


def overlap(windows: list[Window], start: float, end: float) -> float:
    """Return how much of a span lies in windows."""
    return sum(max(0.0, min(end, stop) - max(start, begin)) for begin, stop in windows)

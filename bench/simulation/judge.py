"""Judges a run from outside: when did each node last accept what each entry refuses?

The judge knows when entries were committed and is told when nodes answer from memory. It
knows nothing of leases, so that it can find one that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SAMPLES = 300_000
ROUNDING_MS = 1e-6


@dataclass(frozen=True, slots=True)
class Delta:
    """The distribution of Δ over pairs of entry and node, in milliseconds.

    `greatest` is over every pair, the quantiles over every n-th entry. `broken` counts
    (node, moment) at which Δ was found above the bound.
    """

    p50: float
    p99: float
    p999: float
    greatest: float
    samples: int
    broken: int


class Judge:
    """Keeps, for each node, the last moment at which it answered without an entry."""

    def __init__(self, commits: Sequence[float], nodes: int, counted: tuple[float, float]) -> None:
        """`counted` are the first and last commit, in milliseconds, that quantiles are about."""
        self._commits = commits
        self._known = [0] * nodes
        self._exposed = [0.0] * nodes
        self._samples: list[float] = []
        self._greatest = 0.0
        self._broken = 0
        self._counted = counted
        within = sum(1 for at in commits if counted[0] <= at <= counted[1])
        self._every = max(1, within * nodes // SAMPLES)

    def answered(self, node: int, until: float, bound: float) -> None:
        """Hear that a node answered from memory up to a moment, with what it knew before."""
        self._exposed[node] = until
        first = self._known[node]
        if first < len(self._commits) and self._commits[first] < until:
            late = until - self._commits[first]
            self._greatest = max(self._greatest, late)
            self._broken += late > bound + ROUNDING_MS

    def learnt(self, node: int, count: int) -> None:
        """Hear that a node now knows the first `count` entries."""
        exposed, every, (low, high) = self._exposed[node], self._every, self._counted
        known = self._known[node]
        if count <= known:
            return
        self._known[node] = count
        # Each node samples other entries, so that a run with few of them is not lumpy.
        for place in range(known + (node - known) % every, count, every):
            at = self._commits[place]
            if low <= at <= high:
                self._samples.append(max(0.0, exposed - at))

    def finish(self) -> Delta:
        """Return the distribution; entries that a node never learnt count by its last answer."""
        high = self._counted[1]
        settled = sum(1 for at in self._commits if at <= high)
        for node, known in enumerate(self._known):
            if known < settled:
                self.learnt(node, settled)
        ordered = sorted(self._samples)
        return Delta(
            quantile(ordered, 0.5),
            quantile(ordered, 0.99),
            quantile(ordered, 0.999),
            self._greatest,
            len(ordered),
            self._broken,
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the ordered values do not exceed."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * share // 1) - 1))]

"""Measures what one process pays for the live entries of the log: octets, and time to take in."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from random import Random
from typing import Any

from limen.feeds.lease import PURGE_EVERY
from limen.revocation import Kind, Revocation, RevocationView

FILLS = tuple((kind, size) for kind in (Kind.SESSION, Kind.USER) for size in (100_000, 1_000_000))
LIVE_MS = 305_000
ASKED = 200_000


def entries(kind: Kind, size: int, turn: int = 0) -> Iterator[Revocation]:
    """Yield entries that are written evenly over the time for which one is needed."""
    random, prefix = Random(turn), "ses_" if kind is Kind.SESSION else "usr_"
    for number in range(turn * size, (turn + 1) * size):
        at = number * LIVE_MS // size
        yield Revocation(
            number + 1, kind, f"{prefix}{random.getrandbits(88):022x}", at, at + LIVE_MS
        )


def octets(kind: Kind, size: int) -> tuple[float, float]:
    """Return octets for each entry: filled, and the most while all are replaced twice."""
    gc.collect()
    tracemalloc.start()
    view = RevocationView()
    before = tracemalloc.get_traced_memory()[0]
    view.apply(entries(kind, size))
    filled = tracemalloc.get_traced_memory()[0] - before
    most = filled
    for turn in (1, 2):
        purged_at = turn * LIVE_MS
        for entry in entries(kind, size, turn):
            view.apply((entry,))
            if entry.not_before - purged_at >= PURGE_EVERY:
                purged_at = entry.not_before
                view.purge(purged_at)
                most = max(most, tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    return round(filled / size, 1), round(most / size, 1)


def times(size: int) -> dict[str, float]:
    """Return the CPU of taking in one entry and of one question, in microseconds."""
    made = list(entries(Kind.SESSION, size))
    view = RevocationView()
    begun = time.process_time()
    view.apply(made)
    applied = time.process_time() - begun
    names = [f"ses_{number:022d}" for number in range(ASKED)]
    begun = time.process_time()
    for name in names:
        view.covers(name, "usr_0123456789abcdefghijkl", "key", 0)
    asked = time.process_time() - begun
    view.purge(0)
    begun = time.process_time()
    view.purge(10**12)
    purged = time.process_time() - begun
    return {
        "apply_us": round(applied / size * 1e6, 2),
        "covers_us": round(asked / ASKED * 1e6, 2),
        "purge_us": round(purged / size * 1e6, 2),
    }


def measure() -> dict[str, Any]:
    """Measure the real `RevocationView`."""
    found: dict[str, Any] = {"bytes": {}}
    for kind, size in FILLS:
        filled, churned = octets(kind, size)
        found["bytes"][f"{kind.value} {size}"] = {"filled": filled, "churned": churned}
    found |= times(FILLS[1][1])
    return found

"""CPU time per call in batches, and the time that single calls took."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bench.limens import Addresses

BATCHES: Final = 10
TRIAL_CALLS: Final = 200
SINGLE_CALLS: Final = 20_000


def parser() -> argparse.ArgumentParser:
    """Return a parser with what every probe is told."""
    made = argparse.ArgumentParser()
    made.add_argument("--place", required=True, help="a folder for what the probe keeps")
    made.add_argument("--database")
    made.add_argument("--redis")
    return made


def addresses(asked: argparse.Namespace) -> Addresses:
    """Return where the stores are."""
    return Addresses(f"{asked.place}/limen.db", asked.database, asked.redis)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def cost_of(
    call: Callable[[], Awaitable[object]], calls: int, seconds: float
) -> dict[str, float | int]:
    """Return the CPU time of one call in µs, over at most `calls` and `seconds`.

    `value` is the median of the batches, with every thread of this process. `p50` and `p99`
    are by the wall clock, from another series whose calls are timed one by one.
    """
    began = time.perf_counter()
    for _ in range(TRIAL_CALLS):
        await call()
    each = (time.perf_counter() - began) / TRIAL_CALLS
    batch = max(1, min(calls, int(seconds / each)) // BATCHES)
    per_call = []
    for _ in range(BATCHES):
        start = time.process_time_ns()
        for _ in range(batch):
            await call()
        per_call.append((time.process_time_ns() - start) / batch / 1e3)
    done = batch * BATCHES
    single = []
    for _ in range(min(SINGLE_CALLS, max(done // 5, 1))):
        start = time.perf_counter_ns()
        await call()
        single.append((time.perf_counter_ns() - start) / 1e3)
    return {
        "value": round(statistics.median(per_call), 3),
        "n": done,
        "p50": round(percentile(single, 0.5), 3),
        "p99": round(percentile(single, 0.99), 3),
    }


def report(found: object) -> None:
    """Print what was found, as the last line."""
    print(json.dumps(found), flush=True)

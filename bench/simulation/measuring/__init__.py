"""Everything that the simulation takes from this machine instead of assuming it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# The servers that tests start are what is measured.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests"))

from bench.simulation.measuring import fleet, postgres_cost, redis_cost, view_cost
from bench.simulation.measuring.processor import machine


def everything() -> dict[str, Any]:
    """Measure; takes about five minutes and starts servers of its own."""
    found: dict[str, Any] = {"machine": machine()}
    for name, measure in (
        ("view", view_cost.measure),
        ("postgresql", postgres_cost.measure),
        ("redis", redis_cost.measure),
        ("fleets", fleet.measure),
    ):
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        found[name] = measure()
    return found

"""Where the time of a protected request goes: routes that do one step more, in turn, by wrk.

    .limen/bench/limen/bin/python -m bench.anatomy

Every route gets the same request, cookie included. What a step costs is what its route takes
more than the one before; it is measured where it happens, in a server under full load, because
a loop around the step alone would find everything in the processor's caches.
"""

from __future__ import annotations

import os
from statistics import median
from typing import Final

from bench import load
from bench.databases import Databases
from bench.processes import Server
from bench.systems import HERE, LIMEN, SETTINGS, System, Variant

ROUNDS: Final = 7
SECONDS: Final = 1
STEPS: Final = {
    "starlette": ("/open", "/second", "/read", "/recognise", "/verdict", "/protected"),
    "fastapi": ("/open", "/empty", "/asking", "/protected"),
}
ASKED: Final = ("jwt-sqlite", "hybrid-sqlite")


def measured(framework: str, setting: str) -> dict[str, float]:
    """Return µs for each request of every route."""
    chosen = SETTINGS[setting]
    variant = Variant(f"{framework}/{setting}", chosen.title, chosen.store)
    system = System(LIMEN, framework, "python", HERE / "apps", "steps.py", (variant,))
    with Server(system, variant, Databases()) as server:
        requests = {
            path: load.Request(path, headers=server.said["headers"]) for path in STEPS[framework]
        }
        seen: dict[str, list[float]] = {path: [] for path in requests}
        for number in range(ROUNDS + 1):
            for path, request in requests.items():
                took = 1e6 / load.measured(server.port, request, SECONDS).rate
                if number:  # the first round warms everything up
                    seen[path].append(took)
    return {path: median(times) for path, times in seen.items()}


def main() -> None:
    """Measure and print a table for each framework and setting."""
    os.sched_setaffinity(0, {1})
    for framework in STEPS:
        for setting in ASKED:
            found = measured(framework, setting)
            first = found["/open"]
            print(f"\n{framework}, {SETTINGS[setting].title}, {SETTINGS[setting].store}")
            for path, took in found.items():
                print(f"  {path:12} {took:7.1f} µs   + {took - first:5.1f}   {first / took:.3f}")


if __name__ == "__main__":
    main()

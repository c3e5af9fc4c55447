"""Simulates how a revocation reaches 1 to 10,000 nodes, and writes the tables of a document.

    python -m bench.simulation                          every table, on the screen
    python -m bench.simulation --write docs/scaling.md  and between the marks of a document
    python -m bench.simulation --small --json           four short runs, for a machine to read
    python -m bench.simulation --measure                measure this machine's stores again first

Ends with 1 if any run broke the bound on Δ; `--break-lease` breaks the model to show that.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

from bench.simulation import markdown, run_tables, runs
from bench.simulation.model import Simulation
from bench.simulation.parameters import MAX_LAG_MS, BreakLease
from bench.simulation.run_tables import Ran

HERE = Path(__file__).resolve().parent
MEASURED = HERE / "measured.json"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="simulation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="at most 50 nodes, a few seconds")
    parser.add_argument("--json", action="store_true", help="print the outcomes and no tables")
    parser.add_argument("--measure", action="store_true", help="measure PostgreSQL and Redis first")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT")
    parser.add_argument("--break-lease", choices=get_args(BreakLease))
    return parser.parse_args()


def simulated(planned: Iterable[runs.Run], asked: argparse.Namespace) -> list[Ran]:
    """Run everything, and say on the error output how far it is."""
    made, begun = [], time.monotonic()
    for run in planned:
        setup = replace(run.setup, seed=asked.seed, break_lease=asked.break_lease)
        made.append(Ran(run.table, run.name, setup, Simulation(setup).run()))
        passed = time.monotonic() - begun
        said = f"{passed:5.0f} s  {run.table}: {run.name}, {setup.nodes:,} nodes"
        print(said, file=sys.stderr, flush=True)
    return made


def main() -> int:
    """Run what was asked for; return 1 if the bound was broken."""
    asked = arguments()
    if asked.measure:
        from bench.simulation import measuring  # noqa: PLC0415 - it needs database drivers, and nothing else here does

        MEASURED.write_text(json.dumps(measuring.everything(), indent=1) + "\n")
    facts = json.loads(MEASURED.read_text())
    ran = simulated(runs.small(facts) if asked.small else runs.every(facts), asked)
    broken = [one for one in ran if one.outcome.delta.broken]
    if asked.json:
        print(json.dumps([asdict(one) for one in ran], indent=1))
    elif not broken and not asked.small:
        made = run_tables.every(ran, facts, asked.seed)
        for name, text in made.items():
            print(f"## {name}\n\n{text}")
        if asked.write is not None:
            asked.write.write_text(markdown.filled(asked.write.read_text(), made))
    for one in broken:
        delta = one.outcome.delta
        print(
            f"BROKEN: {one.table}, {one.name}: {delta.broken} times above "
            f"{MAX_LAG_MS:g} ms, at most {delta.greatest:.0f} ms",
            file=sys.stderr,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

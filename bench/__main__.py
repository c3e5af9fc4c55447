"""Measures, says what it does, and writes the results; run by `make bench`.

BENCH names measures, all of them if it is empty; ONLY is a pattern of
`system/framework/setting`; QUICK=1 shows in a few minutes that everything works. A full run
writes `bench/results/` and the figures of docs/performance.md, any other `.limen/bench/results/`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import machine, measures
from bench.document import rewrite
from bench.environments import PLACE
from bench.plot import plot
from bench.results import MEASURES, BadResult, check_measure
from bench.run import BOTH_CORES, QUICK, Durations, Run
from bench.stated import state_what_is_never_measured
from bench.systems import HERE, ROOT
from bench.table import table

COMMITTED = HERE / "results"
ELSEWHERE = PLACE / "results"


def asked_for(arguments: Sequence[str]) -> argparse.Namespace:
    """Read what was asked for; ends the program for a measure that there is none of."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("measures", nargs="*", help="measures; all of them if none is named")
    parser.add_argument("--only", default="*", help="such as limen/fastapi/hybrid-sqlite")
    parser.add_argument("--quick", action="store_true", help="short, to see that it works")
    parser.add_argument("--into", type=Path, help="where the results go")
    asked = parser.parse_args(arguments)
    try:
        for name in asked.measures:
            check_measure(name)
    except BadResult as fault:
        parser.error(str(fault))
    return asked


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for; 1 if a row of Limen's is missing that should be there."""
    asked = asked_for(arguments)
    full = not asked.measures and asked.only == "*" and not asked.quick
    # What is started inherits this, unless it is put elsewhere: databases stay off core 0.
    cores = {int(core) for core in BOTH_CORES.split(",")}
    if len(os.sched_getaffinity(0) & cores) < len(cores):
        sys.exit("The measurements need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {1})
    run = Run(
        measures=asked.measures or list(MEASURES),
        only=asked.only,
        durations=QUICK if asked.quick else Durations(),
    )
    try:
        for names, measure in measures.IN_ORDER:
            if any(run.asks(name) for name in names):
                measure(run)
    finally:
        run.databases.close()
    if not run.results.rows:
        sys.exit("Nothing was measured; see above.")
    state_what_is_never_measured(run)
    describe(run, quick=asked.quick)
    write(run, asked.into or (COMMITTED if full else ELSEWHERE), document=full)
    return 1 if run.failed else 0


def describe(run: Run, *, quick: bool) -> None:
    """Say when, on what and with what."""
    minutes = round((time.monotonic() - run.began) / 60, 1)
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
    run.results.machine = machine.machine() | {"date": at, "minutes": minutes, "quick": quick}
    run.results.versions = {"tools": machine.tools()} | run.results.versions
    run.results.versions.setdefault("limen", machine.limen_versions())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if commit:
        run.results.versions["limen"]["commit"] = commit


def write(run: Run, place: Path, *, document: bool) -> None:
    """Write the file, the table and the plot, and for a full run the document."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "latest.json").write_text(run.results.to_json())
    (place / "latest.md").write_text(table(run.results))
    plot(run.results, place / "latest.svg")
    if document:
        rewrite(ROOT / "docs" / "performance.md", run.results)
    run.say(f"{len(run.results.rows)} rows; {len(run.results.not_measured)} not measured")
    run.say(f"Written: {place.relative_to(ROOT) if place.is_relative_to(ROOT) else place}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs fuzz targets, each in a process of its own, and says what was found; `make fuzz`.

    python -m fuzz                          every target for ten minutes each
    python -m fuzz token cookie --minutes 60
    python -m fuzz api                      the service over HTTP, by its OpenAPI document
    python -m fuzz --list

What was learnt stays in `.limen/fuzz/<target>/corpus`, so that the next run goes on from
there. An input that broke something lies beside it and is told by name; run it again with
`python -m fuzz.child <target> <folder> <input>`. Exits with 1 if there was one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz import api
from fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".limen" / "fuzz"
GRACE_SECONDS = 120  # for a child to start, finish and report
API = "api"
ABOUT = {name: target.about for name, target in TARGETS.items()} | {
    API: "the whole service over HTTP, under each strategy"
}
STRATEGIES = ("session", "jwt", "hybrid")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one target ended. `inputs` is how many were tried, -1 if nobody said."""

    target: str
    status: int
    inputs: int
    said: str


def fuzz(name: str, place: Path, *options: str, within: float | None = None) -> Outcome:
    """Run one target in a process of its own, for at most `within` seconds."""
    command = [sys.executable, "-m", "fuzz.child", name, str(place / name), *options]
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ended = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, timeout=within, check=False
    )
    said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    return Outcome(name, ended.returncode, _inputs(said), said)


def over_http(place: Path, seconds: int) -> Outcome:
    """Ask the service under each strategy, for a third of the time each."""
    shutil.rmtree(place, ignore_errors=True)
    status, generated, said = 0, 0, ""
    for strategy in STRATEGIES:
        within = place / strategy
        with api.service(strategy, within) as url:
            code, told = api.ask(url, within, "--max-time", str(max(1, seconds // 3)))
        report = json.loads((within / "report.json").read_text())
        status, said = status or code, said + told
        generated += report["test_cases"]["generated"]
    return Outcome(API, status, generated, said)


def _inputs(said: str) -> int:
    told = re.findall(r"number_of_executed_units:\s*(\d+)", said)
    return int(told[-1]) if told else -1


def asked_for(arguments: Sequence[str]) -> argparse.Namespace:
    """Read what was asked for; ends the program for a target that there is none of."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("targets", nargs="*", help="targets; all of them if none is named")
    parser.add_argument("--minutes", type=float, default=10, help="for each target; 10")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--list", action="store_true", help="say which targets there are")
    asked = parser.parse_args(arguments)
    unknown = set(asked.targets) - set(ABOUT)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; --list says which there are")
    return asked


def outcomes(names: Sequence[str], minutes: float, at_once: int) -> Iterator[Outcome]:
    """Run targets, `at_once` of them at a time."""
    seconds = max(1, round(minutes * 60))

    def one(name: str) -> Outcome:
        print(f"  {name}: {ABOUT[name]}, {seconds} s", flush=True)
        if name == API:
            return over_http(PLACE / API, seconds)
        return fuzz(name, PLACE, f"-max_total_time={seconds}", within=seconds + GRACE_SECONDS)

    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(one, names)


def main(arguments: Sequence[str]) -> int:
    """Fuzz what is asked for; 1 if something broke."""
    asked = asked_for(arguments)
    if asked.list:
        for name, about in ABOUT.items():
            print(f"{name:10} {about}")
        return 0
    broken = 0
    for outcome in outcomes(asked.targets or list(ABOUT), asked.minutes, asked.at_once):
        if outcome.status:
            broken += 1
            print(outcome.said[-4_000:], file=sys.stderr)
        verdict = f"BROKEN, see {PLACE / outcome.target}" if outcome.status else "nothing found"
        print(f"{outcome.target:10} {outcome.inputs:>12,} inputs  {verdict}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

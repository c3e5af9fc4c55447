"""The history test at length: every store, strategy and fault, and a table of what was found.

    python scripts/history.py 1000000
    python scripts/history.py 100000 --store redis --strategy "hybrid feed" --fault kill_store

A line is one run: `after` counts reads that began after the revocation that covers them had
returned, `503` calls that met a store that did not answer, and `lag` is how much later than
its revocation's return a read was accepted at worst. The table at the end adds them up. Exits
with 1 if a rule was broken, and then says where the journal of that run is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "history"), str(ROOT / "tests")]

from backends import BACKENDS  # noqa: E402 - these are modules of the tests
from campaign import KINDS, Kind, environment, run  # noqa: E402
from checker import Report  # noqa: E402
from faults import Fault, faults_of  # noqa: E402

VERBS = ("read", "sign_in", "refresh", "revoke")
COLUMNS = f"{'operations':>11}{'accepted':>11}{'refused':>9}{'503':>8}{'revokes':>9}{'after':>9}"
LINE = f"{'store':<11}{'strategy':<14}{'faults':<17}{COLUMNS}{'lag':>12}{'time':>7}"
TABLE = f"{'store':<11}{'strategy':<14}{'faults':>7}{COLUMNS}{'largest lag':>13}  verdict"


@dataclass
class Sum:
    """What some runs found together. `lag` is in nanoseconds."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    lag: int = 0
    broken: int = 0

    def add(self, report: Report, faults: int) -> Sum:
        """Add a run."""
        self.counts += report.counts
        self.faults += faults
        self.lag = max(self.lag, report.worst_lag)
        self.broken += report.broken.total()
        return self

    @property
    def operations(self) -> int:
        """How many operations returned."""
        return sum(self.counts[verb] for verb in VERBS)

    def columns(self) -> str:
        """Return what `COLUMNS` names."""
        accepted, refused, unavailable = (
            sum(self.counts[f"{verb} {outcome}"] for verb in VERBS)
            for outcome in ("accepted", "refused", "unavailable")
        )
        revokes, after = self.counts["revoke accepted"], self.counts["read after its revocation"]
        return (
            f"{self.operations:>11,}{accepted:>11,}{refused:>9,}{unavailable:>8,}"
            f"{revokes:>9,}{after:>9,}"
        )


Planned = tuple[str, Kind, tuple[Fault, ...]]


def planned(wanted: argparse.Namespace) -> list[Planned]:
    """Return the runs: each strategy over each store undisturbed, with each fault, with all."""
    runs: list[Planned] = []
    for store in wanted.store or BACKENDS:
        for name in wanted.strategy or KINDS:
            kind = KINDS[name]
            faults = faults_of(store, signed=kind.signed, fed=kind.fed)
            if wanted.fault:
                runs += [(store, kind, (one,)) for one in faults if one.__name__ in wanted.fault]
            else:
                runs += [(store, kind, some) for some in ((), *((one,) for one in faults), faults)]
    return runs


def called(faults: tuple[Fault, ...]) -> str:
    """Return what a line calls its faults."""
    return faults[0].__name__ if len(faults) == 1 else "all of them" if faults else "none"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("operations", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--store", action="append", choices=list(BACKENDS))
    parser.add_argument("--strategy", action="append", choices=list(KINDS))
    parser.add_argument("--fault", action="append")
    parser.add_argument("--workers", type=int, default=3)
    return parser.parse_args()


def main() -> int:
    """Run everything; 1 if anything was broken."""
    wanted = arguments()
    environment()
    left = planned(wanted)
    print(f"{len(left)} runs by {wanted.workers} processes each\n{LINE}", flush=True)
    place = Path(tempfile.mkdtemp(prefix="limen-history-"))
    sums: dict[tuple[str, str], Sum] = {}
    total, began = Sum(), time.monotonic()
    for store in dict.fromkeys(store for store, _, _ in left):
        with BACKENDS[store]() as backend:
            while left and left[0][0] == store:
                _, kind, faults = left[0]
                share = max(1, (wanted.operations - total.operations) // len(left))
                files, since = place / f"{len(left)}", time.monotonic()
                report = run(backend, kind, faults, share, files, workers=wanted.workers)
                found = Sum().add(report, len(faults))
                print(
                    f"{store:<11}{kind.name:<14}{called(faults):<17}{found.columns()}"
                    f"{found.lag / 1e6:>9.1f} ms{time.monotonic() - since:>5.0f} s",
                    flush=True,
                )
                for violation in report.violations:
                    print(f"    {violation}", flush=True)
                if report.broken:
                    print(f"    what was done: {files}", flush=True)
                else:
                    shutil.rmtree(files)
                sums.setdefault((store, kind.name), Sum()).add(report, len(faults))
                total.add(report, len(faults))
                del left[0]
    print(f"\n{TABLE}")
    for (store, name), one in [*sums.items(), (("all", ""), total)]:
        verdict = f"{one.broken:,} violations" if one.broken else "holds"
        what = f"{store:<11}{name:<14}{one.faults:>7}{one.columns()}"
        print(f"{what}{one.lag / 1e6:>10.1f} ms  {verdict}")
    print(f"{time.monotonic() - began:.0f} s")
    if total.broken:
        return 1
    place.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One run: what was asked for, what it found out, and what it could not."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, Final

from bench import processes
from bench.databases import Databases
from bench.environments import OWN, python_of
from bench.load import LoadFailed
from bench.processes import NotServed, Server
from bench.results import NotMeasured, Results, Row
from bench.systems import LIMEN, ROOT, System, Variant

PROBE_S: Final = 900
BOTH_CORES: Final = "0,1"


class ProbeFailed(Exception):
    """A probe ended without figures; the message says why."""


# What may go wrong with one system without ending the run.
FAULTS: Final = (NotServed, LoadFailed, ProbeFailed)


@dataclass(frozen=True)
class Durations:
    """How long and how often; `quick` figures show that a measure works and say nothing else."""

    rounds: int = 6
    seconds: int = 1
    calls: int = 100_000
    call_seconds: float = 5.0
    verifies: int = 2_000
    revocations: int = 1_000
    cuts: int = 30
    sessions: tuple[int, ...] = tuple(10**power for power in range(3, 8))
    postgresql_sessions: tuple[int, ...] = tuple(10**power for power in range(3, 7))
    revoked: int = 1_000_000
    sign_in_seconds: int = 4
    storm_rounds: int = 3
    storm_seconds: int = 3


QUICK: Final = Durations(
    rounds=1,
    seconds=1,
    calls=4_000,
    call_seconds=1.0,
    verifies=200,
    revocations=20,
    cuts=2,
    sessions=(1_000, 10_000),
    postgresql_sessions=(1_000,),
    revoked=20_000,
    sign_in_seconds=2,
    storm_rounds=1,
    storm_seconds=1,
)


@dataclass
class Run:
    """One run of the measures; rows and what is missing gather in `results`."""

    measures: Sequence[str]
    only: str = "*"
    durations: Durations = field(default_factory=Durations)
    results: Results = field(default_factory=Results)
    databases: Databases = field(default_factory=Databases)
    failed: int = 0  # rows of Limen that should be there and are not
    began: float = field(default_factory=time.monotonic)

    def asks(self, measure: str) -> bool:
        """Tell whether a measure was asked for."""
        return measure in self.measures

    def wants(self, system: str, framework: str | None, variant: str) -> bool:
        """Tell whether a variant was asked for, such as `limen/fastapi/hybrid-sqlite`."""
        name = variant.rpartition("/")[2]
        return fnmatch("/".join([system, framework or "-", name]), self.only)

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", flush=True)

    def add(self, row: Row) -> None:
        """Keep a row."""
        self.results.rows.append(row)

    def miss(
        self,
        measure: str | None,
        system: str,
        reason: str,
        *,
        framework: str | None = None,
        strategy: str | None = None,
        store: str | None = None,
    ) -> None:
        """Keep what was not measured and why."""
        self.results.not_measured.append(
            NotMeasured(measure, system, framework, strategy, store, reason)
        )

    @contextlib.contextmanager
    def guarding(
        self,
        measures: Sequence[str],
        system: str,
        *,
        framework: str | None = None,
        strategy: str | None = None,
        store: str | None = None,
    ) -> Iterator[None]:
        """Go on with the next one if this one cannot be measured, and say so in the results."""
        where = {"framework": framework, "strategy": strategy, "store": store}
        self.say(f"{', '.join(measures)}: {' '.join(filter(None, [system, *where.values()]))}")
        try:
            yield
        except FAULTS as fault:
            self.failed += system == LIMEN
            self.say(f"  not measured: {fault}")
            for measure in measures:
                self.miss(measure, system, str(fault), **where)

    @contextlib.contextmanager
    def serving(
        self, system: System, variant: Variant, *, cores: str = processes.SERVER_CORE
    ) -> Iterator[Server]:
        """Serve a system in one variant, and note what it runs on."""
        with Server(system, variant, self.databases, cores=cores) as server:
            name = system.name if system.is_peer else LIMEN
            self.results.versions.setdefault(name, {}).update(server.versions)
            yield server

    def probe(self, name: str, *arguments: str, cores: str = processes.SERVER_CORE) -> Any:
        """Run a program of `bench/probes` and return what it found; raises `ProbeFailed`."""
        place = processes.data_place()
        command = ["taskset", "-c", cores, python_of(OWN), "-m", f"bench.probes.{name}"]
        with place as folder:
            probe = subprocess.Popen(
                [*command, "--place", folder, *arguments],
                cwd=ROOT,
                env=processes.environment(own=True),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            try:
                found, complaints = probe.communicate(timeout=PROBE_S)
            except subprocess.TimeoutExpired:
                raise ProbeFailed(f"it took longer than {PROBE_S} s") from None
            finally:
                processes.end_group(probe)
        if probe.returncode != 0:
            raise ProbeFailed(processes.shown(complaints))
        return json.loads(found.splitlines()[-1])

    def addresses_for(self, store: str) -> list[str]:
        """Return the arguments of a probe that say where a store is."""
        if store == "postgresql":
            return ["--database", self.databases.postgresql()]
        if store == "redis":
            return ["--redis", self.databases.redis()]
        return []

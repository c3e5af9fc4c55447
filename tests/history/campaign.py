"""Runs several worker processes against one store, lets things go wrong, and has it judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from checker import Promise, Report, check
from faults import FAR, Fault, step_clock_back
from journal import EVENTS, READS, READY, load
from limens import SECRET
from operations import Loss

HERE: Final = Path(__file__).resolve().parent
STARTING_S: Final = 90
ENDING_S: Final = 60
# A run makes no progress for so long only if it never will.
STANDSTILL_S: Final = 90
MAX_LAG_S: Final = 0.3
STEP_BACK_S: Final = 3.0  # less than the leeway of 5 s that verifiers allow
SHORT_GRACE_S: Final = 1.0
CLOCK_SPREAD_S: Final = 0.1  # rounding, and a clock that is being corrected


@dataclass(frozen=True, slots=True)
class Kind:
    """A strategy as a run uses it. `fed` says that it may be late by `max_lag`."""

    name: str
    strategy: str
    check: str | None
    signed: bool
    fed: bool


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("session", "session", None, signed=False, fed=False),
        Kind("session feed", "session", "feed", signed=False, fed=True),
        Kind("hybrid store", "hybrid", "store", signed=True, fed=False),
        Kind("hybrid feed", "hybrid", None, signed=True, fed=True),
    )
}


@dataclass
class Scene:
    """One run while it goes on."""

    backend: Any
    kind: Kind
    place: Path
    seed: str
    grace: float
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    births: list[int] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    max_lag: float = MAX_LAG_S
    _offsets: dict[Path, int] = field(default_factory=dict)
    _done: int = 0

    def start(self, count: int) -> None:
        """Start the workers and wait until each is at work."""
        for number in range(count):
            self.births.append(0)
            self.workers.append(self._worker(number))
        for number in range(count):
            self._await_worker(number)

    def replace(self, number: int, *, behind: bool = False) -> None:
        """Start another worker in the place of one that was killed, its clock behind or not."""
        self.workers[number].wait(ENDING_S)
        self.births[number] += 1
        self.workers[number] = self._worker(number, behind=behind)
        self._await_worker(number)

    def process(self, number: int) -> str:
        """Return the name of the process that is at work in a place."""
        return f"w{number}.{self.births[number]}"

    def operations(self) -> int:
        """Return how many operations have been answered so far by anything but a 503."""
        for ending, mark in ((EVENTS, b'"returned"'), (READS, b"\n")):
            for file in self.place.glob("*" + ending):
                with file.open("rb") as lines:
                    lines.seek(self._offsets.get(file, 0))
                    new = lines.read()
                # Whole lines only, so that no mark is counted twice or missed.
                new = new[: new.rfind(b"\n") + 1]
                self._offsets[file] = self._offsets.get(file, 0) + len(new)
                self._done += new.count(mark) - new.count(b'"u"')
        return self._done

    def wait_for(self, operations: int) -> None:
        """Wait until so many have been done; fails if a worker dies or nothing moves."""
        before, moved_at = -1, time.monotonic()
        while (done := self.operations()) < operations:
            if done > before:
                before, moved_at = done, time.monotonic()
            assert time.monotonic() - moved_at < STANDSTILL_S, f"no progress: {self.said()}"
            assert all(worker.poll() is None for worker in self.workers), self.said()
            time.sleep(0.05)

    def more_operations(self, count: int) -> None:
        """Wait until so many more have been done."""
        self.wait_for(self.operations() + count)

    def stop(self) -> None:
        """Let the workers finish what they do and close."""
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        until = time.monotonic() + ENDING_S
        while any(worker.poll() is None for worker in self.workers):
            assert time.monotonic() < until, f"still at work: {self.said()}"
            time.sleep(0.02)
        assert {worker.returncode for worker in self.workers} == {0}, self.said()

    def kill(self) -> None:
        """Leave nothing running, whatever happened."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(ENDING_S)

    def said(self) -> str:
        """Return the end of what the workers wrote to their standard error."""
        return "\n".join(
            f"{file.stem}: {file.read_text()[-2000:]}" for file in self.place.glob("*.stderr")
        )

    def _worker(self, number: int, *, behind: bool = False) -> subprocess.Popen[bytes]:
        options = self.backend.options(proxied=number == FAR and hasattr(self.backend, "proxy"))
        given = {
            "process": self.process(number),
            "place": str(self.place),
            "seed": self.seed,
            "signed": self.kind.signed,
            "step_back": STEP_BACK_S,
            "behind": behind,
            "strategy": self.kind.strategy,
            "options": options
            | {
                "secret": SECRET,
                "check": self.kind.check,
                "max_lag": self.max_lag,
                "grace": self.grace,
                "access_lifetime": 6,
            },
        }
        with (self.place / f"{self.process(number)}.stderr").open("wb") as errors:
            return subprocess.Popen(
                [sys.executable, str(HERE / "worker.py"), json.dumps(given)], stderr=errors
            )

    def _await_worker(self, number: int) -> None:
        until = time.monotonic() + STARTING_S
        ready = self.place / (self.process(number) + READY)
        while not ready.exists():
            assert self.workers[number].poll() is None, self.said()
            assert time.monotonic() < until, f"not ready: {self.said()}"
            time.sleep(0.01)


def run(
    backend: Any,
    kind: Kind,
    faults: Sequence[Fault],
    operations: int,
    place: Path,
    *,
    workers: int = 3,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Do so many operations, with the faults spread over them; return what was found."""
    place.mkdir(parents=True)
    backend.renew(place)
    steps = step_clock_back in faults
    # By a clock that stepped back a token may seem to have been used long ago.
    grace = 10.0 if steps else SHORT_GRACE_S
    scene = Scene(backend, kind, place, seed=place.name, grace=grace)
    zero_of_day = time.time_ns() - time.monotonic_ns()
    try:
        scene.start(workers)
        for number, fault in enumerate(faults, start=1):
            scene.wait_for(operations * number // (len(faults) + 1))
            fault(scene)
            if progress is not None:
                progress(scene.operations())
        scene.wait_for(operations)
        scene.stop()
    finally:
        scene.kill()
    promise = Promise(
        window=round(scene.max_lag * 1e9) if kind.fed else 0,
        grace=round(grace * 1e9),
        spread=round(((STEP_BACK_S if steps else 0) + CLOCK_SPREAD_S) * 1e9),
    )
    return check(load(place, zero_of_day, scene.losses), promise)


def environment() -> None:
    """Let worker processes find the modules of the tests."""
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)

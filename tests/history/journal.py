"""How a worker writes down what it does, so that a kill -9 loses nothing that matters.

Each process has two files of JSON lines. `*.events` has sign-ins, refreshes and revocations,
the call before it is made and the return after: the others follow it, as that is how they
come by each other's credentials. `*.reads` has one line for each read.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from operations import Credential, History, Loss, Outcome, Read, Refresh, Revoke, SignIn

EVENTS: Final = ".events"
READS: Final = ".reads"
READY: Final = ".ready"
CHUNK: Final = 1 << 18
_VERBS: Final[dict[str, type[SignIn | Refresh | Revoke]]] = {
    "sign_in": SignIn,
    "refresh": Refresh,
    "revoke": Revoke,
}


class Journal:
    """The two files of one process. Every line is written at once, with one system call."""

    def __init__(self, place: Path, process: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL
        self._events = os.open(place / (process + EVENTS), flags)
        self._reads = os.open(place / (process + READS), flags)
        self._ready = place / (process + READY)
        self._count = 0

    def ready(self) -> None:
        """Say that the process is about to begin."""
        self._ready.touch()

    def call(self, verb: str, **given: Any) -> int:
        """Write that an operation is about to be called; return its number."""
        self._count += 1
        self._write({"n": self._count, "verb": verb, "call": time.monotonic_ns()} | given)
        return self._count

    def returned(self, number: int, outcome: Outcome, reason: str = "", **given: Any) -> None:
        """Write that it returned, and what."""
        at = time.monotonic_ns()
        self._write({"n": number, "returned": at, "outcome": outcome, "reason": reason} | given)

    def read(self, call: int, credential: str, outcome: Outcome, reason: str) -> None:
        """Write a read that has just returned."""
        line = f'[{call},{time.monotonic_ns()},"{credential}","{outcome}","{reason}"]\n'
        os.write(self._reads, line.encode())

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._events, json.dumps(line).encode() + b"\n")


class Follower:
    """Reads the lines that are appended to the event files of a directory."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._open: dict[str, tuple[int, bytearray]] = {}
        self._looked_at = 0.0

    def new(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what was appended since the last call, as process and line."""
        if time.monotonic() - self._looked_at > 0.05:
            self._look_for_files()
        for process, (file, rest) in self._open.items():
            while chunk := os.read(file, CHUNK):
                rest.extend(chunk)
                *lines, left = rest.split(b"\n")
                rest[:] = left
                for line in lines:
                    yield process, json.loads(line)

    def _look_for_files(self) -> None:
        for file in self._place.glob("*" + EVENTS):
            if file.stem not in self._open:
                self._open[file.stem] = (os.open(file, os.O_RDONLY), bytearray())
        self._looked_at = time.monotonic()


def load(place: Path, zero_of_day: int, losses: Iterable[Loss] = ()) -> History:
    """Read what all processes of a run wrote.

    `zero_of_day` is the time of day, in nanoseconds, when the monotonic clock was at zero.
    """
    told: dict[type, list[Any]] = {SignIn: [], Refresh: [], Revoke: []}
    for file in sorted(place.glob("*" + EVENTS)):
        calls: dict[int, dict[str, Any]] = {}
        for line in _lines(file):
            calls.setdefault(line.pop("n"), {}).update(line)
        for call in calls.values():
            operation = _operation(file.stem, call, zero_of_day)
            told[type(operation)].append(operation)
    return History(
        sign_ins=tuple(told[SignIn]),
        refreshes=tuple(told[Refresh]),
        revokes=tuple(told[Revoke]),
        losses=tuple(losses),
        reads=_reads(place),
    )


def _operation(process: str, call: dict[str, Any], zero: int) -> SignIn | Refresh | Revoke:
    made = _VERBS[call.pop("verb")]
    issued = call.pop("issued", None)
    if issued is not None:
        call["access"] = _credential(issued, zero)
        call["refresh"] = issued["refresh"]
    call["outcome"] = Outcome(call.get("outcome", Outcome.LOST))
    return made(process=process, **({"returned": None} | call))


def _credential(issued: dict[str, Any], zero: int) -> Credential:
    ends_from = ends_by = None
    if issued["key"] is not None:
        # A token says when it ends in whole seconds (RFC 7519 section 2), rounded down.
        ends_by = issued["expires_at"] * 1_000_000 - zero
        ends_from = issued["expires_at"] // 1000 * 1_000_000_000 - zero
    return Credential(
        name=issued["name"],
        session=issued["session"],
        key=issued["key"],
        ends_from=ends_from,
        ends_by=ends_by,
    )


def _reads(place: Path) -> Iterator[Read]:
    for file in sorted(place.glob("*" + READS)):
        for call, returned, credential, outcome, reason in _lines(file):
            yield Read(file.stem, call, returned, credential, Outcome(outcome), reason)


def _lines(file: Path) -> Iterator[Any]:
    with file.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # the last one may have been cut off by a kill
                yield json.loads(line)

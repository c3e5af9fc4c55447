"""Several server processes behind one address, of which one can be killed.

Each node is a child process. A balancer in this process takes the requests, records the
wire and passes them on; what the nodes trace comes back over their pipes and is merged.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from limen.lab.servers.children import command, ended_by
from limen.lab.servers.node import Orders
from limen.lab.servers.site import START_TIMEOUT_S, LabSink, MovableClock
from limen.trace import TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from limen.trace.event import Recorded, RecordedCheck

_log = logging.getLogger("limen.lab.servers.nodes")
# How long a node may take to say what it has done already.
TELL_TIMEOUT_S: Final = 15.0
END_TIMEOUT_S: Final = 10.0


class Labels:
    """One label for one credential, whichever process saw it: by kind and fingerprint.

    Each process numbers what it sees from 1. The fingerprints are made under one key, so
    equal ones are one credential, and it is numbered in the order in which events arrive.
    """

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def __call__(self, value: Recorded) -> Recorded:
        """Return the value with the label that the credential has in this run."""
        if "label" not in value:
            return value
        stem, fingerprint = str(value["label"]).partition("#")[0], str(value["fp"])
        with self._lock:
            number = sum(kind == stem for kind, _ in self._labels) + 1
            label = self._labels.setdefault((stem, fingerprint), f"{stem}#{number}")
        return {**value, "label": label}

    def of(self, event: TraceEvent) -> TraceEvent:
        """Return the event with every label replaced."""
        return replace(
            event,
            given={name: self(value) for name, value in event.given.items()},
            outcome={name: self(value) for name, value in event.outcome.items()},
            checks=tuple(self._check(one) for one in event.checks),
        )

    def _check(self, check: RecordedCheck) -> RecordedCheck:
        return check if check.detail is None else replace(check, detail=self(check.detail))


class MergingSink(LabSink):
    """Keeps the events of several processes in the order in which they arrive."""

    def __init__(self, clock: MovableClock, run_key: bytes) -> None:
        super().__init__(clock)
        self.run_key = run_key
        self.labels = Labels()
        self._numbers = itertools.count(1)
        self._merging = threading.Lock()

    def keep(self, event: TraceEvent) -> None:
        """Number the event anew and keep it."""
        with self._merging:
            super().keep(replace(self.labels.of(event), seq=next(self._numbers)))


class Node:
    """One child process. Only what was started here is ever ended, by its own handle."""

    def __init__(self, orders: Orders, keep: Callable[[TraceEvent], None]) -> None:
        """Start the process; it is not ready yet."""
        self.name = orders.name
        self.url = ""
        self._keep = keep
        self._told = threading.Condition()
        self._answered: set[str] = set()
        self._ahead = orders.ahead
        self._process = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            command("limen.lab.servers.node"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._listen, name=f"limen-lab-{self.name}")
        self._reader.start()
        self._write(orders.as_json())

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how the process ended, negative if by a signal; `None` while it runs."""
        return self._process.poll()

    def wait_until_ready(self) -> None:
        """Return when the node serves; raises `RuntimeError` if it does not come up."""
        self._wait(lambda: self.url != "", START_TIMEOUT_S * 2)

    def wait_for(self, request_id: str) -> None:
        """Return when every event of a request that was answered has arrived."""
        self._wait(lambda: request_id in self._answered, TELL_TIMEOUT_S)

    def set_ahead(self, milliseconds: int) -> None:
        """Set how far the node's clock is ahead of the real one."""
        self._write(json.dumps({"ahead": milliseconds}))
        self._wait(lambda: self._ahead == milliseconds, TELL_TIMEOUT_S)

    def kill(self) -> None:
        """End the process at once, with no chance to say goodbye (SIGKILL)."""
        self._process.kill()
        self._ended()

    def hang_up(self) -> None:
        """End the input of the process, which ends by itself then."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """Return when the process has ended by itself; after a while it is killed."""
        self.hang_up()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended()

    def _ended(self) -> None:
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        with self._told:
            self._told.wait_for(lambda: done() or not self._reader.is_alive(), timeout_s)
        if not done():
            raise RuntimeError(f"{self.name} did not do what it was told")

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        for line in self._process.stdout:
            try:
                told: Mapping[str, Any] = json.loads(line)
            except ValueError:  # the line that a kill cut off
                continue
            self._take(told)
        with self._told:
            self._told.notify_all()

    def _take(self, told: Mapping[str, Any]) -> None:
        match told:
            case {"event": event}:
                self._keep(TraceEvent.from_json(event))
            case {"complaint": text, "level": level}:
                _log.log(level, "%s: %s", self.name, text)
            case _:
                with self._told:
                    self._note(told)
                    self._told.notify_all()

    def _note(self, told: Mapping[str, Any]) -> None:
        match told:
            case {"ready": port}:
                self.url = f"http://127.0.0.1:{port}"
            case {"answered": request_id}:
                self._answered.add(request_id)
            case {"ahead": milliseconds}:
                self._ahead = milliseconds


class Nodes:
    """The nodes of one site by name, and where the balancer sends requests first."""

    def __init__(self, orders: tuple[Orders, ...], keep: Callable[[TraceEvent], None]) -> None:
        self._keep = keep
        self._orders = {one.name: one for one in orders}
        self._nodes: dict[str, Node] = {}
        self._first = orders[0].name
        self.killed: dict[str, str] = {}

    def __getitem__(self, name: str) -> Node:
        return self._nodes[name]

    def __len__(self) -> int:
        return len(self._nodes)

    def prefer(self, name: str) -> None:
        """Send what comes from now on to this node first."""
        self._first = name

    def in_turn(self) -> tuple[Node, ...]:
        """Return the nodes in the order in which the balancer tries them."""
        others = [one for name, one in self._nodes.items() if name != self._first]
        return (self._nodes[self._first], *others)

    def kill(self, name: str) -> None:
        """Kill one node."""
        self._nodes[name].kill()
        self.killed[name] = ended_by(self._nodes[name].exit_code or 0)

    def start(self) -> None:
        """Start all at once; returns when all serve."""
        for name, orders in self._orders.items():
            self._nodes[name] = Node(orders, self._keep)
        for node in self._nodes.values():
            node.wait_until_ready()

    def restart(self, meanwhile: Callable[[], None]) -> None:
        """End all, do something, and start all again."""
        self.close()
        meanwhile()
        self.start()

    def set_ahead(self, milliseconds: int) -> None:
        """Set how far the clocks of all that still run are ahead."""
        for node in self._nodes.values():
            if node.exit_code is None:
                node.set_ahead(milliseconds)

    def close(self) -> None:
        """End all that still run."""
        for node in self._nodes.values():
            node.hang_up()
        for node in self._nodes.values():
            node.close()


@contextmanager
def started(orders: tuple[Orders, ...], sink: MergingSink) -> Iterator[Nodes]:
    """Start the nodes and end them with the block."""
    nodes = Nodes(orders, sink.keep)
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.close()

"""One server process of the shop, started and ended by the Lab.

What it is told, its secret included, comes as one JSON line on standard input and stands in
no list of processes. What happens in it goes out as JSON lines on standard output. It ends
when its input does, so it does not outlive the Lab.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import uvicorn

from limen import Limen
from limen.lab.recording.observation import labels_of
from limen.lab.servers.site import (
    POLL_S,
    LabSink,
    MovableClock,
    Person,
    loopback_socket,
    server_config,
    shop_with,
)
from limen.lab.setups import SAME_FOR_ALL, Setup, Storage
from limen.settings import Options
from limen.stores.memory import MemoryStore
from limen.trace import traced_as

if TYPE_CHECKING:
    from limen.trace import TraceEvent
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Orders:
    """What a node is told. `run_key` is in hexadecimal, `ahead` in milliseconds.

    Without a `database` it keeps everything in its own memory, and opens the accounts of
    `people` there.
    """

    name: str
    setup: Setup
    run: str
    database: str | None
    ahead: int
    people: tuple[Person, ...] = ()
    secret: str = field(default="", repr=False)
    run_key: str = field(default="", repr=False)

    def as_json(self) -> str:
        """Return the one line that a node reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Orders:
        """Read that line."""
        stated: dict[str, Any] = json.loads(line)
        people = [Person(**{**one, "roles": tuple(one["roles"])}) for one in stated["people"]]
        setup = Setup(**{**stated["setup"], "storage": Storage(stated["setup"]["storage"])})
        return cls(**{**stated, "setup": setup, "people": tuple(people)})


class Report:
    """Writes JSON lines, one at a time, whichever thread has something to tell."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def __call__(self, **told: object) -> None:
        """Write one line, at once."""
        line = json.dumps(told)
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


class ReportingSink(LabSink):
    """Tells every event instead of keeping it."""

    def __init__(self, clock: MovableClock, report: Report, run_key: bytes) -> None:
        super().__init__(clock)
        self.run_key = run_key
        self._report = report

    def keep(self, event: TraceEvent) -> None:
        """Tell the event."""
        self._report(event=event.as_json())


class Complaints(logging.Handler):
    """Tells what is logged as a warning or worse."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one line."""
        self._report(level=record.levelno, complaint=record.getMessage())


class Punctual:
    """Tells that a request is answered before its answer goes out.

    So whoever has the answer knows that every event before it has been told.
    """

    def __init__(self, app: ASGIApp, report: Report) -> None:
        self.app = app
        self.report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.report(answered=labels_of(scope)[1])
            await send(message)

        await self.app(scope, receive, told)


def main() -> None:
    """Serve until the input ends."""
    report = Report(sys.stdout)
    sys.stdout = sys.stderr  # whatever else prints has no place among the lines
    logging.getLogger().addHandler(Complaints(report))
    orders = Orders.from_json(sys.stdin.readline())
    clock = MovableClock()
    clock.forward = orders.ahead
    limen = _limen(orders, ReportingSink(clock, report, bytes.fromhex(orders.run_key)))
    server = uvicorn.Server(server_config(Punctual(shop_with(limen, orders.run), report)))
    with loopback_socket() as listening:
        told = (server, clock, report, listening.getsockname()[1])
        threading.Thread(target=_follow, args=told, daemon=True).start()
        # Whatever happens in this process is done by this node, background tasks included.
        with traced_as(actor=orders.name):
            server.run([listening])


def _limen(orders: Orders, sink: ReportingSink) -> Limen:
    setup, secret = orders.setup, orders.secret
    options = setup.options | Options(secret=secret, sink=sink, **SAME_FOR_ALL)
    if orders.database is not None:
        options["database"] = orders.database
        return Limen(setup.strategy, clock=sink.clock, **options)
    store = MemoryStore()
    asyncio.run(_populated(Limen(store=store, secret=secret), orders.people))
    return Limen(setup.strategy, store=store, clock=sink.clock, **options)


async def _populated(limen: Limen, people: tuple[Person, ...]) -> None:
    """Open the accounts, which is no part of what is observed."""
    async with limen:
        for one in people:
            await limen.add_account(one.email, one.passphrase, one.name, roles=one.roles)


def _follow(server: uvicorn.Server, clock: MovableClock, report: Report, port: int) -> None:
    """Say when the node is ready, move its clock when told, and end it when the input ends."""
    while not server.started:
        time.sleep(POLL_S)
    report(ready=port)
    for line in sys.stdin:
        clock.forward = int(json.loads(line)["ahead"])
        report(ahead=clock.forward)
    server.should_exit = True

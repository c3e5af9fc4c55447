"""The application under observation: a real server, with keys and a database for one run."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from limen import BlockingLimen, Limen, Refused
from limen.clock import SystemClock
from limen.entropy import SystemEntropy, random_text
from limen.lab.observation import Correlation, Observation
from limen.stores.sql import migrate
from limen.trace import RingSink
from limen.web.starlette import install, principal_of, requires

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from limen.ports import Store
    from limen.settings import StrategyName
    from limen.trace import TraceEvent

LOOPBACK = "127.0.0.1"
SECRET_OCTETS = 32
PASSPHRASE_OCTETS = 24
START_TIMEOUT_S = 15.0
POLL_S = 0.005
BASE_PATH = "/api/auth"
PROTECTED = "/orders"
# Far more than a scenario makes, and small enough to hold many runs.
MAX_EVENTS = 2_000


class MovableClock(SystemClock):
    """The system's clock, and how far a scenario has moved it forward, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.forward = 0

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        return super().now() + self.forward


StoreFor = Callable[[str], "Store"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. The passphrase is made for one run and never recorded."""

    email: str = "alice@example.org"
    name: str = "Alice"
    passphrase: str = field(default="", repr=False)

    @classmethod
    def generated(cls) -> Person:
        """Return a person with a passphrase that nobody chose."""
        return cls(passphrase=random_text(SystemEntropy(), PASSPHRASE_OCTETS))


@dataclass(frozen=True, slots=True)
class Premises:
    """What all strategies start from: one database with one account, and one secret."""

    database: Path
    secret: str = field(repr=False)
    person: Person

    @classmethod
    def build(cls, folder: Path, person: Person) -> Premises:
        """Make the database and open the account, which is no part of the scenario."""
        database = folder / "premises.db"
        secret = random_text(SystemEntropy(), SECRET_OCTETS)
        url = _url(database)
        migrate(url)
        with BlockingLimen("hybrid", database=url, secret=secret) as limen:
            added = limen.add_account(person.email, person.passphrase, person.name)
        if isinstance(added, Refused):
            # TRY004 would have a TypeError, but the person is refused, not the type.
            raise RuntimeError(f"the person cannot have an account: {added.reason.value}")  # noqa: TRY004 - see above
        return cls(database, secret, person)

    def copy_for(self, strategy: str) -> str:
        """Return the URL of a copy, so that every strategy begins with the same rows."""
        return _url(Path(shutil.copy(self.database, self.database.with_name(f"{strategy}.db"))))


@dataclass(frozen=True, slots=True)
class Site:
    """A running application and the trace of everything that it did."""

    limen: Limen
    url: str
    sink: RingSink
    run: str
    clock: MovableClock

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """What happened so far, in order."""
        return tuple(sorted(self.sink.events, key=lambda event: event.seq))


@contextmanager
def site_under(
    strategy: StrategyName, premises: Premises, run: str, store_for: StoreFor | None = None
) -> Iterator[Site]:
    """Serve the application on a free port of the loopback until the block ends.

    `store_for` makes the store of a database URL; without it Limen opens its own.
    """
    database, sink, clock = premises.copy_for(strategy), RingSink(MAX_EVENTS), MovableClock()
    limen = Limen(
        strategy,
        database=None if store_for else database,
        store=store_for(database) if store_for else None,
        secret=premises.secret,
        sink=sink,
        clock=clock,
    )
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        with _served(application(limen, run), listening):
            port = listening.getsockname()[1]
            yield Site(limen, f"http://{LOOPBACK}:{port}", sink, run, clock)


def application(limen: Limen, run: str) -> Observation:
    """Return a small shop: one protected resource, and Limen installed as documented."""
    shop = Starlette()
    shop.add_route(PROTECTED, _orders, methods=["GET", "POST"])
    shop.add_middleware(Correlation, run=run)
    install(shop, limen)
    return Observation(shop, limen, run)


@requires()
async def _orders(request: Request) -> JSONResponse:
    principal = await principal_of(request)
    return JSONResponse({"orders": [], "of": principal.subject})


@contextmanager
def _served(app: Observation, listening: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="limen-lab-site")
    thread.start()
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the application under observation did not start")
            time.sleep(POLL_S)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"

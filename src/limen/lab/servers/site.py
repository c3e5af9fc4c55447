"""The application under observation: a real server, with keys and a database for one run."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from limen import BlockingLimen, Limen, Refused
from limen.clock import SystemClock
from limen.entropy import SystemEntropy, random_text
from limen.lab.recording.ledger import Ledger
from limen.lab.recording.observation import Correlation, Observation, Wire
from limen.lab.servers.back_office import ADMIN, open_back_office
from limen.lab.setups import SAME_FOR_ALL
from limen.settings import Options
from limen.stores.sql import migrate
from limen.trace import RingSink
from limen.web.starlette import install, principal_of, requires

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from limen.lab.servers.nodes import Nodes
    from limen.lab.setups import Setup
    from limen.ports import Store
    from limen.trace import TraceEvent
    from limen.web.asgi import ASGIApp

LOOPBACK = "127.0.0.1"
SECRET_OCTETS = 32
PASSPHRASE_OCTETS = 24
START_TIMEOUT_S = 15.0
POLL_S = 0.005
BASE_PATH = "/api/auth"
PROTECTED = "/orders"
FOR_ADMINS = "/accounts"
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


class LabSink(RingSink):
    """Keeps a run's events, and marks those that happened on a clock that was moved."""

    shows_personal = True  # its people are made up

    def __init__(self, clock: MovableClock) -> None:
        super().__init__(MAX_EVENTS)
        self.clock = clock

    def emit(self, event: TraceEvent) -> None:
        """Mark the event and keep it."""
        moved = self.clock.forward // 1000
        badges = (*event.badges, f"simulated clock +{moved} s") if moved else event.badges
        self.keep(replace(event, badges=badges))

    def keep(self, event: TraceEvent) -> None:
        """Keep an event as it is."""
        super().emit(event)


StoreFor = Callable[[str], "Store"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. The passphrase is made for one run and never recorded."""

    email: str = "alice@example.org"
    name: str = "Alice"
    passphrase: str = field(default="", repr=False)
    roles: tuple[str, ...] = ()

    @classmethod
    def generated(cls) -> Person:
        """Return a person with a passphrase that nobody chose."""
        return cls(passphrase=random_text(SystemEntropy(), PASSPHRASE_OCTETS))

    @classmethod
    def of_staff(cls) -> Person:
        """Return an administrator with a passphrase that nobody chose."""
        passphrase = random_text(SystemEntropy(), PASSPHRASE_OCTETS)
        return cls("staff@example.org", "Sam", passphrase, (ADMIN,))


@dataclass(frozen=True, slots=True)
class Premises:
    """What all strategies start from: one database with Alice's account, and one secret.

    `account` is the id of her account; `staff` is an administrator, where there is one.
    """

    database: Path
    secret: str = field(repr=False)
    person: Person
    account: str
    staff: Person | None = None

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who has an account."""
        return (self.person,) if self.staff is None else (self.person, self.staff)

    @classmethod
    def build(cls, folder: Path, person: Person, staff: Person | None = None) -> Premises:
        """Make the database and open the accounts, which is no part of the scenario."""
        database = folder / "premises.db"
        secret = random_text(SystemEntropy(), SECRET_OCTETS)
        url = url_of(database)
        migrate(url)
        with BlockingLimen("hybrid", database=url, secret=secret) as limen:
            account = _opened(limen, person)
            if staff is not None:
                _opened(limen, staff)
        return cls(database, secret, person, account, staff)

    def copy_for(self, setup: Setup) -> Path:
        """Return a copy of the database, so that every setup begins with the same rows."""
        return Path(shutil.copy(self.database, self.database.with_name(f"{setup.name}.db")))


def _opened(limen: BlockingLimen, person: Person) -> str:
    added = limen.add_account(person.email, person.passphrase, person.name, roles=person.roles)
    if isinstance(added, Refused):
        # TRY004 would have a TypeError, but the person is refused, not the type.
        raise RuntimeError(f"the person cannot have an account: {added.reason.value}")  # noqa: TRY004 - see above
    return added.id


@dataclass(frozen=True, slots=True)
class Site:
    """A running application, the trace of everything that it did, and what it left behind.

    `nodes` are its server processes where it has more than the one that is this process;
    `store` is the store where Limen did not open its own.
    """

    limen: Limen
    setup: Setup
    url: str
    sink: LabSink
    run: str
    clock: MovableClock
    wire: Wire
    ledger: Ledger
    database: Path
    nodes: Nodes | None = None
    store: Store | None = None

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """What happened so far, in order."""
        return tuple(sorted(self.sink.events, key=lambda event: event.seq))


@contextmanager
def site_under(
    setup: Setup, premises: Premises, run: str, store_for: StoreFor | None = None
) -> Iterator[Site]:
    """Serve the application on a free port of the loopback until the block ends.

    `store_for` makes the store of a database URL; without it Limen opens its own.
    """
    file, clock = premises.copy_for(setup), MovableClock()
    sink, url = LabSink(clock), url_of(file)
    options = setup.options | Options(secret=premises.secret, sink=sink, **SAME_FOR_ALL)
    if store_for is None:
        options["database"] = url
    store = store_for(url) if store_for else None
    limen = Limen(setup.strategy, store=store, clock=clock, **options)
    tracer = limen.assembly.tracer
    wire = Wire(tracer.recorded)
    wire.canaries.note(premises.secret)
    ledger = Ledger(file, tracer.recorded, tracer.seen, clock.now())
    with loopback_socket() as listening, served(application(limen, run, wire), listening):
        address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        ledger.read("-")
        yield Site(limen, setup, address, sink, run, clock, wire, ledger, file, store=store)


def application(limen: Limen, run: str, wire: Wire) -> Observation:
    """Return the shop, and around it what records the wire."""
    return Observation(shop_with(limen, run), limen, run, wire)


def shop_with(limen: Limen, run: str) -> Starlette:
    """Return a small shop: protected resources, and Limen installed as documented."""
    shop = shop_floor()
    open_back_office(shop)
    shop.add_middleware(Correlation, run=run)
    install(shop, limen)
    return shop


def shop_floor() -> Starlette:
    """Return the shop's resources alone; whoever serves them installs Limen."""
    shop = Starlette()
    shop.add_route(PROTECTED, _orders, methods=["GET", "POST"])
    shop.add_route(FOR_ADMINS, _accounts, methods=["GET"])
    return shop


@requires()
async def _orders(request: Request) -> JSONResponse:
    principal = await principal_of(request)
    return JSONResponse({"orders": [], "of": principal.subject})


@requires(ADMIN)
async def _accounts(request: Request) -> JSONResponse:
    principal = await principal_of(request)
    return JSONResponse({"of": principal.subject, "roles": sorted(principal.roles)})


def loopback_socket() -> socket.socket:
    """Return a socket on a free port of the loopback, for whoever closes it."""
    # With the protocol named asyncio sends at once; else small answers wait 40 ms for others.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind((LOOPBACK, 0))
    return listening


@contextmanager
def served(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Serve an application on a bound socket, in a thread, until the block ends."""
    server = uvicorn.Server(server_config(app))
    # The thread takes over who acts, for the trace.
    work = (copy_context().run, (server.run, [listening]))
    thread = threading.Thread(target=work[0], args=work[1], name="limen-lab-site")
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


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Return how every server of the Lab serves."""
    return uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # so that the application sends every line that is sent
        ws="none",
    )


def url_of(file: Path) -> str:
    """Return the address of a database file, as an application writes it."""
    return f"sqlite+aiosqlite:///{file}"

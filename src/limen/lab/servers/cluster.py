"""A site of several nodes: what one server process is to a run, made of more."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from limen import Limen
from limen.entropy import SystemEntropy
from limen.lab.recording.ledger import Ledger
from limen.lab.recording.observation import Observation, Wire
from limen.lab.servers.balancer import Balancer
from limen.lab.servers.node import Orders
from limen.lab.servers.nodes import MergingSink, started
from limen.lab.servers.site import LOOPBACK, MovableClock, Site, loopback_socket, served, url_of
from limen.lab.setups import SAME_FOR_ALL
from limen.settings import Options
from limen.trace import traced_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.evidence import Evidence
    from limen.lab.servers.site import Premises
    from limen.lab.setups import Setup
    from limen.trace.event import Recorded

RUN_KEY_OCTETS: Final = 32
NODE_A: Final = "node:A"
NODE_B: Final = "node:B"
BALANCER: Final = "balancer"


@contextmanager
def site_of_nodes(setup: Setup, premises: Premises, run: str, count: int) -> Iterator[Site]:
    """Serve the application by child processes behind one address until the block ends."""
    file, clock = premises.copy_for(setup), MovableClock()
    run_key = SystemEntropy().octets(RUN_KEY_OCTETS)
    sink, url = MergingSink(clock, run_key), url_of(file)
    options = setup.options | Options(secret=premises.secret, sink=sink, **SAME_FOR_ALL)
    options["database"] = url
    # Never opened: it lends its tracer to the clients, and says what the setup promises.
    limen = Limen(setup.strategy, clock=clock, **options)
    tracer = limen.assembly.tracer

    def recorded(evidence: Evidence) -> Recorded:
        return sink.labels(tracer.recorded(evidence))

    def seen(digest: bytes) -> Recorded | None:
        found = tracer.seen(digest)
        return None if found is None else sink.labels(found)

    wire = Wire(recorded)
    wire.canaries.note(premises.secret)
    wire.canaries.note(run_key.hex())
    wire.canaries.note(premises.secret)
    ledger = Ledger(None if setup.memory else file, recorded, seen, clock.now())
    orders = tuple(
        Orders(
            name,
            setup,
            run,
            None if setup.memory else url,
            clock.forward,
            premises.people,
            premises.secret,
            run_key.hex(),
        )
        for name in (NODE_A, NODE_B)[:count]
    )
    with loopback_socket() as listening, started(orders, sink) as nodes:
        front = Observation(Balancer(nodes), limen, run, wire)
        with traced_as(actor=BALANCER), served(front, listening):
            address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            ledger.read("-")
            yield Site(limen, setup, address, sink, run, clock, wire, ledger, file, nodes)

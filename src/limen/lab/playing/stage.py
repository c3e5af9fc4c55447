"""Carries a scenario out: one real server for each setup, and the clients that use it."""

from __future__ import annotations

import contextlib
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from limen.clock import SystemClock, elapsed_ns
from limen.entropy import SystemEntropy, random_text
from limen.lab.playing.clients import Owner, SimulatedClient, Thief, request_numbers
from limen.lab.run import Column, Run
from limen.lab.servers.cluster import site_of_nodes
from limen.lab.servers.site import Person, Premises, site_under
from limen.lab.servers.storehouse import Storehouse

if TYPE_CHECKING:
    from limen.lab.run import Plot, Step
    from limen.lab.servers.nodes import Nodes
    from limen.lab.servers.site import Site, StoreFor
    from limen.lab.setups import Setup

RUN_ID_OCTETS = 9
# Longer than the default `max_lag` of 2 s, so that a promise can be seen kept or broken.
WATCH_FOR_S = 2.5
WATCH_EVERY_S = 0.25

C = TypeVar("C", bound=SimulatedClient)
Script = Callable[["Stage"], None]
# Is told what goes on, and may raise to end it.
Saying = Callable[[str], None]


def silent(progress: str) -> None:
    """Tell nobody."""


class Stage:
    """One setup's server, and what a script may do there: let clients act, step by step."""

    def __init__(
        self,
        site: Site,
        premises: Premises,
        opened: contextlib.ExitStack,
        say: Saying = silent,
    ) -> None:
        self.site = site
        self.person = premises.person
        self.account = premises.account
        self.staff = premises.staff
        self.step_of: dict[str, str] = {}
        self._opened = opened
        self._say = say
        self._numbers = request_numbers()
        self._clients: list[SimulatedClient] = []

    def owner(self, name: str = "victim") -> Owner:
        """Return a person at a device: Alice, or somebody else by that name."""
        return self._with(Owner(name, self.site, self._numbers))

    def tab(self, owner: Owner) -> Owner:
        """Return a second tab of somebody's browser: it holds now what the first one holds."""
        tab = self.owner(owner.name)
        tab.share(owner)
        return tab

    def thief(self) -> Thief:
        """Return somebody who has nothing yet."""
        return self._with(Thief("thief", self.site, self._numbers))

    def _with(self, client: C) -> C:
        self._clients.append(client)
        self._opened.enter_context(client)
        return client

    @contextlib.contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Count every request that begins inside to one step of the scenario."""
        self._say(step.title)
        known = {one for client in self._clients for one in client.requests}
        yield
        for client in self._clients:
            for request_id in client.requests:
                if request_id not in known:
                    self.step_of[request_id] = step.name

    def pass_time(self, milliseconds: int) -> None:
        """Move the server's clock forward; clients and their jars stay where they are."""
        self.site.clock.forward += milliseconds
        if self.site.nodes is not None:
            self.site.nodes.set_ahead(self.site.clock.forward)

    @property
    def storehouse(self) -> Storehouse:
        """The process of the store, of a scenario where it is one."""
        if not isinstance(self.site.store, Storehouse):
            raise RuntimeError("the store of this scenario is no process of its own")  # noqa: TRY004 - a script asks for what it did not order
        return self.site.store

    @property
    def nodes(self) -> Nodes:
        """The server processes, of a scenario that has several."""
        if self.site.nodes is None:
            raise RuntimeError("this scenario has one server process")
        return self.site.nodes

    def watch(self, thief: Thief, path: str, ended_ns: int) -> None:
        """Replay until the first refusal, or until watching longer would prove nothing more."""
        until_ns = ended_ns + round(WATCH_FOR_S * 1e9)
        accepted = True
        while accepted and elapsed_ns() < until_ns:
            time.sleep(WATCH_EVERY_S)
            accepted = thief.replay("GET", path, ended_ns)


def carried_out(
    plot: Plot,
    script: Script,
    person: Person | None,
    *,
    setups: tuple[Setup, ...],
    store_for: StoreFor | None,
    staff: Person | None = None,
    nodes: int = 0,
    store_apart: bool = False,
    say: Saying = silent,
) -> Run:
    """Carry a scenario out under each setup. Blocks, so call it from a thread of its own.

    `say` is told what goes on, column by column and step by step, and may raise to end it. With
    `staff` there is an account of an administrator, too; with `nodes` the servers are
    so many child processes behind one address, and with `store_apart` the store is one.
    """
    storing = Storehouse if store_apart else store_for
    run = random_text(SystemEntropy(), RUN_ID_OCTETS)
    began = SystemClock().now()
    columns, facts = [], Facts()
    with tempfile.TemporaryDirectory(prefix="limen-lab-") as folder:
        premises = Premises.build(Path(folder), person or Person.generated(), staff)
        for number, setup in enumerate(setups, 1):
            place = f"{setup.name}, column {number} of {len(setups)}"
            say(f"{place}: starting servers")
            with _site(setup, premises, run, storing, nodes=nodes) as site:
                columns.append(_column(site, premises, script, _saying_where(place, say)))
                facts = facts.with_those_of(site)
    return Run(run, began, plot, environment(facts), tuple(columns))


def _saying_where(place: str, say: Saying) -> Saying:
    return lambda progress: say(f"{place}: {progress}")


def _site(
    setup: Setup, premises: Premises, run: str, store_for: StoreFor | None, *, nodes: int
) -> contextlib.AbstractContextManager[Site]:
    if nodes:
        return site_of_nodes(setup, premises, run, nodes)
    return site_under(setup, premises, run, store_for)


def _column(site: Site, premises: Premises, script: Script, say: Saying) -> Column:
    with contextlib.ExitStack() as opened:
        stage = Stage(site, premises, opened, say)
        script(stage)
    primary = site.limen.assembly.parts.primary
    return Column(
        site.setup,
        primary.guarantees,
        site.events,
        stage.step_of,
        site.wire.exchanges,
        site.wire.tokens,
        site.ledger.snapshots,
        site.wire.canaries,
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sites of a run were: how far their clocks were moved, in milliseconds, how many
    nodes each had and which ended how, and who kept everything in memory;
    `store` says what the store was besides a file.
    """

    moved: int = 0
    nodes: int = 0
    killed: tuple[str, ...] = ()
    in_memory: tuple[str, ...] = ()
    store: str = ""

    def with_those_of(self, site: Site) -> Facts:
        """Return these facts and those of one more site."""
        nodes, name = site.nodes, site.setup.name
        killed = () if nodes is None else tuple(nodes.killed.items())
        ended = [f"{node} by {how}" for node, how in killed]
        return Facts(
            max(self.moved, site.clock.forward),
            0 if nodes is None else len(nodes),
            tuple(dict.fromkeys((*self.killed, *ended))),
            (*self.in_memory, name) if site.setup.memory else self.in_memory,
            _told_of(site.store) or self.store,
        )


def _told_of(store: object) -> str:
    if not isinstance(store, Storehouse):
        return ""
    killed = store.killed_by
    return " behind a child process" + (f"; killed by {killed}" if killed else "")


ONE_PROCESS: Final = Facts()


def environment(facts: Facts = ONE_PROCESS) -> dict[str, str]:
    """Return what a reader needs to judge the numbers."""
    days, seconds = divmod(facts.moved // 1000, 86_400)
    forward = " and ".join([f"{days} days"] * bool(days) + [f"{seconds} s"] * bool(seconds))
    several = f"{facts.nodes} child process{'es' * (facts.nodes > 1)} behind a balancer"
    ended = f"; killed: {', '.join(facts.killed)}" if facts.killed else ""
    apart = f"; {', '.join(facts.in_memory)}: the memory of each process"
    return {
        "limen": version("limen"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "store": "SQLite file" + facts.store + (apart if facts.in_memory else ""),
        "servers": (several if facts.nodes else "one process") + ended,
        "clock": f"real, moved forward by {forward} at the server" if facts.moved else "real",
        "clients": "simulated, over HTTP on the loopback",
    }

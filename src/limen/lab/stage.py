"""Carries a scenario out: one real server for each setup, and the clients that use it."""

from __future__ import annotations

import contextlib
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from limen.clock import SystemClock, elapsed_ns
from limen.entropy import SystemEntropy, random_text
from limen.lab.clients import Owner, SimulatedClient, Thief, request_numbers
from limen.lab.run import Column, Run
from limen.lab.site import Person, Premises, site_under

if TYPE_CHECKING:
    from limen.lab.run import Plot, Step
    from limen.lab.setups import Setup
    from limen.lab.site import Site, StoreFor

RUN_ID_OCTETS = 9
# Longer than the default `max_lag` of 2 s, so that a promise can be seen kept or broken.
WATCH_FOR_S = 2.5
WATCH_EVERY_S = 0.25

C = TypeVar("C", bound=SimulatedClient)
Script = Callable[["Stage"], None]


class Stage:
    """One setup's server, and what a script may do there: let clients act, step by step."""

    def __init__(self, site: Site, premises: Premises, opened: contextlib.ExitStack) -> None:
        self.site = site
        self.person = premises.person
        self.account = premises.account
        self.staff = premises.staff
        self.step_of: dict[str, str] = {}
        self._opened = opened
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
        known = {one for client in self._clients for one in client.requests}
        yield
        for client in self._clients:
            for request_id in client.requests:
                if request_id not in known:
                    self.step_of[request_id] = step.name

    def pass_time(self, milliseconds: int) -> None:
        """Move the server's clock forward; clients and their jars stay where they are."""
        self.site.clock.forward += milliseconds

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
) -> Run:
    """Carry a scenario out under each setup. Blocks, so call it from a thread of its own.

    With `staff` there is an account of an administrator, too.
    """
    run = random_text(SystemEntropy(), RUN_ID_OCTETS)
    began = SystemClock().now()
    columns, moved = [], 0
    with tempfile.TemporaryDirectory(prefix="limen-lab-") as folder:
        premises = Premises.build(Path(folder), person or Person.generated(), staff)
        for setup in setups:
            with site_under(setup, premises, run, store_for) as site:
                columns.append(_column(site, premises, script))
                moved = site.clock.forward
    return Run(run, began, plot, environment(moved), tuple(columns))


def _column(site: Site, premises: Premises, script: Script) -> Column:
    with contextlib.ExitStack() as opened:
        stage = Stage(site, premises, opened)
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
    )


def environment(moved: int = 0) -> dict[str, str]:
    """Return what a reader needs to judge the numbers; `moved` is in milliseconds."""
    days, seconds = divmod(moved // 1000, 86_400)
    forward = " and ".join([f"{days} days"] * bool(days) + [f"{seconds} s"] * bool(seconds))
    return {
        "limen": version("limen"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "store": "SQLite file, one server process",
        "clock": f"real, moved forward by {forward} at the server" if moved else "real",
        "clients": "simulated, over HTTP on the loopback",
    }

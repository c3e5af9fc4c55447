"""Scripts of client actions, carried out alike for every strategy over real HTTP."""

from __future__ import annotations

import platform
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from limen.clock import SystemClock, elapsed_ns
from limen.entropy import SystemEntropy, random_text
from limen.lab.clients import ACCESS, REFRESH, Thief, Victim, request_numbers
from limen.lab.site import BASE_PATH, PROTECTED, Person, Premises, site_under
from limen.settings import STRATEGY_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.guarantees import Guarantees
    from limen.lab.site import Site, StoreFor
    from limen.settings import StrategyName
    from limen.trace import TraceEvent

RUN_ID_OCTETS = 9
# Longer than the default `max_lag` of 2 s, so that a promise can be seen kept or broken.
WATCH_FOR_S = 2.5
WATCH_EVERY_S = 0.25

LOGIN, READ, LOGOUT = "login", "read", "logout"
REPLAY, REPLAY_REFRESH = "replay", "replay of the refresh token"
STEPS = (LOGIN, READ, LOGOUT, REPLAY, REPLAY_REFRESH)


@dataclass(frozen=True, slots=True)
class Column:
    """What one strategy did: its promises, its events, and each request's step."""

    strategy: str
    guarantees: Guarantees
    events: tuple[TraceEvent, ...]
    step_of: Mapping[str, str]

    def in_step(self, step: str) -> tuple[TraceEvent, ...]:
        """Return the events of one step of the scenario, in order."""
        return tuple(one for one in self.events if self.step_of.get(one.request_id) == step)


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario carried out once under each strategy. `at` is in milliseconds."""

    id: str
    at: int
    scenario: str
    environment: Mapping[str, str]
    columns: tuple[Column, ...]

    def as_json(self) -> dict[str, object]:
        """Return the run as JSON values: the events, and what is needed to read them."""
        return {
            "v": 1,
            "run": self.id,
            "at": self.at,
            "scenario": self.scenario,
            "environment": dict(self.environment),
            "columns": [
                {
                    "strategy": column.strategy,
                    "guarantees": _promised(column.guarantees),
                    "steps": dict(column.step_of),
                    "events": [event.as_json() for event in column.events],
                }
                for column in self.columns
            ],
        }


def login_read_logout_replay(
    person: Person | None = None,
    *,
    strategies: tuple[StrategyName, ...] = STRATEGY_NAMES,
    store_for: StoreFor | None = None,
) -> Run:
    """Sign in, read, sign out, and use a copy of the credentials that was made before.

    Takes a few seconds, most of them watching whether a copy is refused. Blocks, so call it
    from a thread of its own.
    """
    run = random_text(SystemEntropy(), RUN_ID_OCTETS)
    began = SystemClock().now()
    with tempfile.TemporaryDirectory(prefix="limen-lab-") as folder:
        premises = Premises.build(Path(folder), person or Person.generated())
        columns = []
        for strategy in strategies:
            with site_under(strategy, premises, run, store_for) as site:
                columns.append(_carried_out(site, premises.person))
    return Run(run, began, "login, read, logout, replay", environment(), tuple(columns))


def _carried_out(site: Site, person: Person) -> Column:
    numbers, steps = request_numbers(), dict[str, str]()
    with (
        Victim("victim", site, numbers) as victim,
        Thief("thief", site, numbers) as thief,
        Thief("thief", site, numbers) as refresher,
    ):
        victim.sign_in(f"{BASE_PATH}/sign-in/email", person.email, person.passphrase)
        _assign(steps, victim, LOGIN)
        thief.take(victim.copy_of_jar(ACCESS))
        refresher.take(victim.copy_of_jar(REFRESH))
        victim.read(PROTECTED)
        _assign(steps, victim, READ)
        signed_out_ns = victim.sign_out(f"{BASE_PATH}/sign-out")
        _assign(steps, victim, LOGOUT)
        accepted = thief.replay("GET", PROTECTED, signed_out_ns)
        if refresher.jar:
            # A POST: a safe request would only recall the session, this one tries to rotate.
            refresher.replay("POST", PROTECTED, signed_out_ns)
        if accepted:
            _watch(thief, signed_out_ns)
        _assign(steps, thief, REPLAY)
        _assign(steps, refresher, REPLAY_REFRESH)
    guarantees = site.limen.assembly.parts.primary.guarantees
    return Column(site.limen.assembly.parts.primary.name, guarantees, site.events, steps)


def _watch(thief: Thief, signed_out_ns: int) -> None:
    """Replay until the first refusal, or until watching longer would prove nothing more."""
    until_ns = signed_out_ns + round(WATCH_FOR_S * 1e9)
    accepted = True
    while accepted and elapsed_ns() < until_ns:
        time.sleep(WATCH_EVERY_S)
        accepted = thief.replay("GET", PROTECTED, signed_out_ns)


def _assign(steps: dict[str, str], client: Victim | Thief, step: str) -> None:
    for request_id in client.requests:
        steps.setdefault(request_id, step)


def environment() -> dict[str, str]:
    """Return what a reader needs to judge the numbers."""
    return {
        "limen": version("limen"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "store": "SQLite file, one server process",
        "clock": "real",
        "clients": "simulated, over HTTP on the loopback",
    }


def _promised(guarantees: Guarantees) -> dict[str, object]:
    return {
        "format": guarantees.format.value,
        "check": guarantees.check.value,
        "store_reads_per_request": guarantees.store_reads_per_request,
        "revocation_window_ms": guarantees.revocation_window,
        "idle_ms": guarantees.idle,
        "absolute_ms": guarantees.absolute,
        "needs_store": guarantees.needs_store,
    }

"""The requests of an application that the Lab was attached to, as a run with one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from limen.clock import SystemClock
from limen.entropy import SystemEntropy, random_text
from limen.guarantees import Format, RevocationCheck
from limen.lab.playing.stage import RUN_ID_OCTETS, environment
from limen.lab.run import Column, Plot, Run, Step
from limen.lab.setups import Setup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.guarantees import Guarantees
    from limen.settings import StrategyName
    from limen.trace import Traced, TraceEvent

# The schema's bounds: the newest go along.
MAX_EVENTS: Final = 4_096
MAX_REQUESTS: Final = 100


def attached_run(traced: Traced, events: Sequence[TraceEvent]) -> Run:
    """Return the newest requests as a run: a step for each of them."""
    newest = events[-MAX_EVENTS:]
    requests = list(dict.fromkeys(event.request_id for event in newest))[-MAX_REQUESTS:]
    names = {one: f"request {number}" for number, one in enumerate(requests, start=1)}
    kept = tuple(event for event in newest if event.request_id in names)
    plot = Plot(
        "attached",
        "requests of an application",
        "The Lab was attached to an application in development. These are its newest requests, "
        "as its own process saw them; nothing is simulated, and personal values are masked.",
        tuple(Step(name, name.capitalize()) for name in names.values()),
    )
    column = Column(_setup(traced), traced.guarantees, kept, names)
    told = environment() | {"store": "the application's own", "clients": "the application's own"}
    began = kept[0].at if kept else SystemClock().now()
    return Run(random_text(SystemEntropy(), RUN_ID_OCTETS), began, plot, told, (column,))


def _setup(traced: Traced) -> Setup:
    """Return the settings that promise the same."""
    promised, name = traced.guarantees, _name_of(traced.guarantees)
    check: Literal["feed", "store"] | None = None
    if name == "session" and promised.check is RevocationCheck.FEED:
        check = "feed"
    if name == "hybrid" and promised.check is RevocationCheck.STORE:
        check = "store"
    return Setup("application", name, check, refresh=promised.needs_store)


def _name_of(promised: Guarantees) -> StrategyName:
    if promised.format is not Format.SIGNED:
        return "session"
    return "jwt" if promised.check is RevocationCheck.EXPIRY else "hybrid"

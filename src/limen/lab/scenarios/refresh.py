"""Refresh tokens: each works once, and what a copy of a used one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.lab.playing.clients import REFRESH
from limen.lab.run import Plot, Step
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    LOGIN,
    PAST_ACCESS,
    READING,
    REPLAYING,
    THEFT,
    signed_in,
)
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

# The presets let a used refresh token be tried again for 10 s.
PAST_GRACE: Final = 11_000

RENEWAL: Final = Step(
    "renewal after 301 s", "After 301 s: her browser asks for something and renews", READING
)
RETRY: Final = Step(
    "retry within the grace time",
    "Retry: a second tab, which was late, uses the same refresh token",
    READING,
)
REUSE: Final = Step(
    "reuse of the old refresh token",
    "Reuse: after the grace time the thief uses the copy of the old refresh token",
    REPLAYING,
)
OWNER_AT_ONCE: Final = Step("browser at once", "Read: her browser asks at once", READING)
OWNER_LATER: Final = Step(
    "browser after 301 s more", "After 301 s more: her browser asks once again", READING
)


def _refresh(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    thief = stage.thief()
    with stage.step(THEFT):
        thief.steal(alice, REFRESH)
    stage.pass_time(PAST_ACCESS)
    tab = stage.tab(alice)
    with stage.step(RENEWAL):
        # A POST, since a safe request gets a token and uses no refresh token up.
        alice.ask(PROTECTED, "POST")
    renewed_ns = elapsed_ns()
    with stage.step(RETRY):
        tab.ask(PROTECTED, "POST")
    stage.pass_time(PAST_GRACE)
    if thief.held:
        with stage.step(REUSE):
            thief.replay("POST", PROTECTED, renewed_ns)
    with stage.step(OWNER_AT_ONCE):
        alice.ask(PROTECTED)
    stage.pass_time(PAST_ACCESS)
    with stage.step(OWNER_LATER):
        alice.ask(PROTECTED, "POST")


REFRESHED: Final = Scenario(
    Plot(
        "refresh",
        "refresh and reuse",
        "The access token runs out and her browser trades its refresh token for a new pair. A "
        "second tab that was late gets the same pair. Then a thief uses a copy of the old one.",
        (LOGIN, THEFT, RENEWAL, RETRY, REUSE, OWNER_AT_ONCE, OWNER_LATER),
    ),
    _refresh,
)

"""What time alone ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.run import Plot
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    COPY_LATER,
    IDLE,
    LOGIN,
    OWN_LATER,
    PAST_ACCESS,
    PAST_IDLE,
    READ,
    THEFT,
    robbed,
    signed_in,
)
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage


def _expiry(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thief, _ = robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    stage.pass_time(PAST_ACCESS)
    with stage.step(COPY_LATER):
        thief.ask(PROTECTED)
    with stage.step(OWN_LATER):
        victim.ask(PROTECTED)
    stage.pass_time(PAST_IDLE)
    with stage.step(IDLE):
        victim.ask(PROTECTED)


EXPIRY: Final = Scenario(
    Plot(
        "expiry",
        "expiry",
        "Time ends credentials, too: a copy after five minutes, her browser after five "
        "minutes, and her browser after a week without use.",
        (LOGIN, THEFT, READ, COPY_LATER, OWN_LATER, IDLE),
    ),
    _expiry,
)

"""Sign-ins that somebody ends, while a thief holds copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.run import Plot
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    END_OTHERS,
    EVERYWHERE,
    LOGIN,
    LOGOUT,
    PHONE,
    PHONE_READS,
    READ,
    REPLAY,
    REPLAY_REFRESH,
    SIGN_OUT,
    THEFT,
    replayed,
    robbed,
    signed_in,
)
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage


def _logout(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thieves = robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    with stage.step(LOGOUT):
        ended_ns = victim.sign_out(SIGN_OUT)
    replayed(stage, thieves, ended_ns)


def _elsewhere(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thieves = robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    phone = signed_in(stage, stage.owner("phone"), PHONE)
    with stage.step(EVERYWHERE):
        ended_ns = phone.end_others(END_OTHERS)
    replayed(stage, thieves, ended_ns)
    with stage.step(PHONE_READS):
        phone.read(PROTECTED)


LOGOUT_REPLAY: Final = Scenario(
    Plot(
        "logout",
        "login, read, logout, replay",
        "Alice signs in, reads, and signs out. A thief has copied her cookies before. Then the "
        "copies are used.",
        (LOGIN, THEFT, READ, LOGOUT, REPLAY, REPLAY_REFRESH),
        "the logout",
    ),
    _logout,
)
ELSEWHERE: Final = Scenario(
    Plot(
        "elsewhere",
        "sign out everywhere else",
        "Alice is signed in on two devices. From her phone she ends the other sign-in, "
        "whose cookies a thief has copied. The phone goes on.",
        (LOGIN, THEFT, READ, PHONE, EVERYWHERE, REPLAY, REPLAY_REFRESH, PHONE_READS),
        "ending every other sign-in",
    ),
    _elsewhere,
)

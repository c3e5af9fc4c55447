"""The store goes away while people are signed in, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.run import Plot, Step
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    LOGIN,
    PAST_ACCESS,
    READ,
    READING,
    SIGN_IN,
    signed_in,
)
from limen.lab.servers.site import PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

# By default a process believes its copy of the revocation log for 2 s.
PAST_LEASE: Final = 3_000

AT_ONCE: Final = Step("read after the kill", "The store is killed: her browser asks", READING)
LEASE_OVER: Final = Step(
    "read after 3 s more", "After 3 s more: nobody has heard of the store for that long", READING
)
LOGIN_REFUSED: Final = Step(
    "login without the store",
    "Login: somebody tries to sign in meanwhile",
    (Phase.LOGIN_RATE_LIMIT,),
)
TOKEN_OVER: Final = Step(
    "read after 301 s", "After 301 s more: her access token has expired", READING
)
BACK: Final = Step("read with the store back", "The store is back: her browser asks", READING)


def _store_fault(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    with stage.step(READ):
        alice.ask(PROTECTED)
    stage.storehouse.kill()
    with stage.step(AT_ONCE):
        alice.ask(PROTECTED)
    stage.pass_time(PAST_LEASE)
    with stage.step(LEASE_OVER):
        alice.ask(PROTECTED)
    with stage.step(LOGIN_REFUSED):
        phone = stage.owner("phone")
        phone.try_to_sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    stage.pass_time(PAST_ACCESS)
    with stage.step(TOKEN_OVER):
        alice.ask(PROTECTED)
    stage.storehouse.start()
    with stage.step(BACK):
        alice.ask(PROTECTED)


STORE_FAULT: Final = Scenario(
    Plot(
        "store-fault",
        "the store goes away",
        "The store is a process of its own. It is killed while Alice is signed in, and comes "
        "back: who goes on meanwhile, and who is told to try again?",
        (LOGIN, READ, AT_ONCE, LEASE_OVER, LOGIN_REFUSED, TOKEN_OVER, BACK),
    ),
    _store_fault,
    store_apart=True,
)

"""Passwords that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.entropy import SystemEntropy, random_text
from limen.lab.run import Plot
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import LOGIN, NOBODY, SIGN_IN, UNKNOWN, WRONG, signed_in
from limen.lab.servers.site import PASSPHRASE_OCTETS

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage


def _wrong_password(stage: Stage) -> None:
    owner, stranger = stage.owner(), stage.owner("stranger")
    mistyped = random_text(SystemEntropy(), PASSPHRASE_OCTETS)
    with stage.step(WRONG):
        owner.try_to_sign_in(SIGN_IN, stage.person.email, mistyped)
    with stage.step(UNKNOWN):
        stranger.try_to_sign_in(SIGN_IN, NOBODY, mistyped)
    signed_in(stage, owner)


WRONG_PASSWORD: Final = Scenario(
    Plot(
        "wrong-password",
        "wrong password",
        "A mistyped passphrase and an address without an account: both cost the same work "
        "and get the same answer. Then the right one.",
        (WRONG, UNKNOWN, LOGIN),
    ),
    _wrong_password,
)

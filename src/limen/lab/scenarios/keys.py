"""Signing keys change while tokens are out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.playing.clients import ACCESS
from limen.lab.run import Plot, Step
from limen.lab.scenarios.roles import STAFF_LOGIN, staff_signed_in
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    LOGIN,
    PHONE,
    PHONE_READS,
    READING,
    THEFT,
    signed_in,
)
from limen.lab.servers.back_office import KEYS, ROTATE_KEYS, WITHDRAW_KEY
from limen.lab.servers.site import PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

ROTATION: Final = Step(
    "keys rotated",
    "Rotation: the administrator lets the next key sign",
    (Phase.AUTHZ_DECIDE, Phase.RESOURCE_RESPOND),
)
OLD_READS: Final = Step(
    "read with the old key's token",
    "Read: her browser goes on with what the old key signed",
    READING,
)
WITHDRAWAL: Final = Step(
    "old key withdrawn",
    "Withdrawal: the administrator takes the old key out of use",
    (Phase.CREDENTIAL_REVOKE,),
)
COPY_AFTER: Final = Step(
    "copy after the withdrawal", "Read: whoever holds the access credential alone", READING
)
BROWSER_AFTER: Final = Step(
    "browser after the withdrawal", "Read: her browser, which has everything", READING
)


def _key_rotation(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    thief = stage.thief()
    with stage.step(THEFT):
        thief.steal(alice, ACCESS)
    admin = staff_signed_in(stage)
    with stage.step(ROTATION):
        admin.ask(ROTATE_KEYS, "POST")
    with stage.step(OLD_READS):
        alice.ask(PROTECTED)
    phone = signed_in(stage, stage.owner("phone"), PHONE)
    with stage.step(WITHDRAWAL):
        known = admin.send("GET", KEYS).json()["keys"]
        for key in known:
            if key["status"] == "verifying":
                admin.ask(WITHDRAW_KEY, "POST", {"id": key["id"]})
    with stage.step(COPY_AFTER):
        thief.ask(PROTECTED)
    with stage.step(BROWSER_AFTER):
        alice.ask(PROTECTED)
    with stage.step(PHONE_READS):
        phone.ask(PROTECTED)


KEY_ROTATION: Final = Scenario(
    Plot(
        "key-rotation",
        "signing keys rotate",
        "The signing key is replaced while Alice is signed in: what the old key signed is still "
        "good, and her phone gets a token of the new one. Then the old key is withdrawn.",
        (
            LOGIN,
            THEFT,
            STAFF_LOGIN,
            ROTATION,
            OLD_READS,
            PHONE,
            WITHDRAWAL,
            COPY_AFTER,
            BROWSER_AFTER,
            PHONE_READS,
        ),
    ),
    _key_rotation,
    staff=True,
)

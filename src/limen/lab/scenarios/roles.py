"""What somebody may do changes while they are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.run import Plot, Step
from limen.lab.scenarios.scenario import Scenario
from limen.lab.scenarios.steps import (
    LOGIN,
    PAST_ACCESS,
    READING,
    SIGN_IN,
    SIGNING_IN,
    signed_in,
)
from limen.lab.servers.back_office import ADMIN, SET_ROLES
from limen.lab.servers.site import FOR_ADMINS, PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.clients import Owner
    from limen.lab.playing.stage import Stage

ALLOWED: Final = Step("allowed", "Read: she asks for what only administrators may see", READING)
STAFF_LOGIN: Final = Step("login of the staff", "Login: an administrator signs in", SIGNING_IN)
DEMOTION: Final = Step(
    "role taken away",
    "Change: the administrator takes Alice's role away",
    (Phase.AUTHZ_DECIDE, Phase.RESOURCE_RESPOND),
)
AFTER_DEMOTION: Final = Step("asked at once", "Read: she asks for the same at once", READING)
STILL_KNOWN: Final = Step(
    "asked for her own", "Read: she asks for what everybody may see who is signed in", READING
)
DEMOTED_LATER: Final = Step("asked after 301 s", "After 301 s: she asks for the same", READING)


def staff_signed_in(stage: Stage, step: Step = STAFF_LOGIN) -> Owner:
    """Let the administrator sign in, in a step of its own."""
    staff = stage.staff
    if staff is None:
        raise RuntimeError("this scenario has no administrator")
    with stage.step(step):
        admin = stage.owner("admin")
        admin.sign_in(SIGN_IN, staff.email, staff.passphrase)
    return admin


def _role_change(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    with stage.step(ALLOWED):
        alice.read(FOR_ADMINS)
    admin = staff_signed_in(stage)
    with stage.step(DEMOTION):
        admin.ask(SET_ROLES, "POST", {"account": stage.account, "roles": []})
    with stage.step(AFTER_DEMOTION):
        alice.ask(FOR_ADMINS)
    with stage.step(STILL_KNOWN):
        alice.ask(PROTECTED)
    stage.pass_time(PAST_ACCESS)
    with stage.step(DEMOTED_LATER):
        alice.ask(FOR_ADMINS)


ROLE_CHANGE: Final = Scenario(
    Plot(
        "role-change",
        "a role is taken away",
        "Alice is an administrator and signed in. Another administrator takes her role away. "
        "She stays signed in: what she may do is another question than who she is.",
        (
            LOGIN,
            ALLOWED,
            STAFF_LOGIN,
            DEMOTION,
            AFTER_DEMOTION,
            STILL_KNOWN,
            DEMOTED_LATER,
        ),
    ),
    _role_change,
    roles=(ADMIN,),
    staff=True,
)

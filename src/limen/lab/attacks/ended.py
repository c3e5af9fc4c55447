"""Cards about ends that somebody else brings about: another device, a new password, an admin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.entropy import SystemEntropy, random_text
from limen.lab.attacks.acts import asking, tried
from limen.lab.attacks.card import NO_STEP, Card, Probe
from limen.lab.attacks.measures import status_of
from limen.lab.run import Plot, Step
from limen.lab.scenarios.roles import (
    AFTER_DEMOTION,
    DEMOTED_LATER,
    ROLE_CHANGE,
    STAFF_LOGIN,
    staff_signed_in,
)
from limen.lab.scenarios.steps import (
    END_OTHERS,
    EVERYWHERE,
    LOGIN,
    PHONE,
    PHONE_READS,
    PROVING,
    READING,
    REPLAY,
    REPLAY_REFRESH,
    SIGN_IN,
    THEFT,
    robbed,
    signed_in,
)
from limen.lab.servers.back_office import DISABLE, END_SIGN_INS
from limen.lab.servers.site import BASE_PATH, PASSPHRASE_OCTETS, PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

CHANGE_PASSWORD: Final = f"{BASE_PATH}/change-password"
_UNASKED: Final = {"jwt-only": "200", "jwt": "200", "session": "401", "hybrid": "401"}
_OF_REFRESH: Final = Probe(
    "And the copy of her refresh token?",
    {"jwt-only": NO_STEP, "jwt": "401", "session": NO_STEP, "hybrid": "401"},
    status_of(REPLAY_REFRESH),
)
_ASKED: Final = (
    "What is asked on each request: the end is written down at once, and only who asks learns "
    "of it."
)
_ASK: Final = "Ask the feed or the store on each request: hybrid or session."

ENDED_BY_ADMIN: Final = Step(
    "administrator ends all",
    "An administrator ends every sign-in of Alice",
    (Phase.AUTHZ_DECIDE, Phase.CREDENTIAL_REVOKE),
)
PHONE_AFTER: Final = Step("phone afterwards", "Read: her phone asks again", READING)
NEW_PASSWORD: Final = Step(
    "new passphrase",
    "On her phone she chooses a new passphrase, which ends every other sign-in",
    (Phase.CSRF_CHECK, Phase.PASSWORD_VERIFY, Phase.CREDENTIAL_ISSUE),
)
OLD_PASSWORD: Final = Step(
    "login with the old passphrase", "Login: somebody knows the old passphrase", PROVING
)
DISABLED: Final = Step(
    "account disabled", "An administrator disables the account of Alice", (Phase.AUTHZ_DECIDE,)
)
COMES_AGAIN: Final = Step("login afterwards", "Login: Alice tries to sign in again", PROVING)


def _elsewhere(stage: Stage) -> None:
    thieves = robbed(stage, signed_in(stage, stage.owner()))
    phone = signed_in(stage, stage.owner("phone"), PHONE)
    with stage.step(EVERYWHERE):
        ended_ns = phone.end_others(END_OTHERS)
    tried(stage, thieves, ended_ns)
    with stage.step(PHONE_READS):
        phone.read(PROTECTED)
    admin = staff_signed_in(stage)
    with stage.step(ENDED_BY_ADMIN):
        admin.ask(END_SIGN_INS, "POST", {"account": stage.account})
    with stage.step(PHONE_AFTER):
        phone.ask(PROTECTED)


def _new_password(stage: Stage) -> None:
    thieves = robbed(stage, signed_in(stage, stage.owner()))
    phone = signed_in(stage, stage.owner("phone"), PHONE)
    chosen = random_text(SystemEntropy(), PASSPHRASE_OCTETS)
    with stage.step(NEW_PASSWORD):
        ended_ns = phone.change_password(CHANGE_PASSWORD, stage.person.passphrase, chosen)
    tried(stage, thieves, ended_ns)
    with stage.step(PHONE_AFTER):
        phone.ask(PROTECTED)
    with stage.step(OLD_PASSWORD):
        stranger = stage.owner("stranger")
        stranger.try_to_sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)


def _disabled(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thieves = robbed(stage, victim)
    admin = staff_signed_in(stage)
    with stage.step(DISABLED):
        admin.ask(DISABLE, "POST", {"account": stage.account})
        ended_ns = elapsed_ns()
    tried(stage, thieves, ended_ns)
    with stage.step(COMES_AGAIN):
        victim.try_to_sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)


ELSEWHERE: Final = Card(
    "A4",
    Plot(
        "A4",
        "end it from elsewhere",
        "A thief has copied the cookies of Alice's browser. From her phone she ends every other "
        "sign-in; later an administrator ends them all.",
        (
            LOGIN,
            THEFT,
            PHONE,
            EVERYWHERE,
            REPLAY,
            REPLAY_REFRESH,
            PHONE_READS,
            STAFF_LOGIN,
            ENDED_BY_ADMIN,
            PHONE_AFTER,
        ),
        "ending every other sign-in",
    ),
    _elsewhere,
    "From her phone Alice ends every other sign-in. What does the thief's copy get then?",
    REPLAY.name,
    ("200", "401"),
    _UNASKED,
    _ASKED,
    _ASK,
    probes=(
        _OF_REFRESH,
        Probe(
            "An administrator ends all of hers. What does her phone's next request get?",
            _UNASKED,
            status_of(PHONE_AFTER),
        ),
    ),
    staff=True,
)
PASSWORD: Final = Card(
    "A5",
    Plot(
        "A5",
        "choose a new passphrase",
        "A thief has copied the cookies of Alice's browser. She chooses a new passphrase on her "
        "phone, and has every other sign-in ended.",
        (
            LOGIN,
            THEFT,
            PHONE,
            NEW_PASSWORD,
            REPLAY,
            REPLAY_REFRESH,
            PHONE_AFTER,
            OLD_PASSWORD,
        ),
        "the new passphrase",
    ),
    _new_password,
    "Alice has a new passphrase. What does the copy get that was made under the old one?",
    REPLAY.name,
    ("200", "401"),
    _UNASKED,
    _ASKED,
    _ASK,
    probes=(
        _OF_REFRESH,
        Probe(
            "Does the phone go on, where she chose it?",
            dict.fromkeys(_UNASKED, "200"),
            status_of(PHONE_AFTER),
        ),
        Probe(
            "Does the old passphrase still open anything?",
            dict.fromkeys(_UNASKED, "401"),
            status_of(OLD_PASSWORD),
        ),
    ),
)
OFF: Final = Card(
    "A6",
    Plot(
        "A6",
        "disable the account",
        "Alice leaves the company and her account is disabled. Copies of her cookies are out "
        "there (ASVS 7.4.2 asks that all sessions end).",
        (LOGIN, THEFT, STAFF_LOGIN, DISABLED, REPLAY, REPLAY_REFRESH, COMES_AGAIN),
        "disabling the account",
    ),
    _disabled,
    "The account is disabled. What does a copy of its access credential get?",
    REPLAY.name,
    ("200", "401"),
    _UNASKED,
    _ASKED,
    f"{_ASK} ASVS 7.4.2 asks for it.",
    probes=(
        _OF_REFRESH,
        Probe(
            "Can she sign in again?",
            dict.fromkeys(_UNASKED, "401"),
            status_of(COMES_AGAIN),
        ),
    ),
    staff=True,
)
ROLE: Final = Card(
    "A7",
    ROLE_CHANGE.plot,
    ROLE_CHANGE.script,
    "She is no administrator any more. What does her browser get where only they may go?",
    AFTER_DEMOTION.name,
    ("200", "401", "403"),
    {"jwt-only": "200", "jwt": "200", "session": "403", "hybrid": "403"},
    "Where the roles come from: claims are as old as the token, a row is as new as the read. "
    "`hybrid` refuses the tokens with the old roles and signs another.",
    "Let roles come from what is asked on each request: hybrid or session.",
    probes=(
        Probe(
            "And when the token has expired?",
            {"jwt-only": "401", "jwt": "403", "session": "403", "hybrid": "403"},
            status_of(DEMOTED_LATER),
        ),
    ),
    roles=ROLE_CHANGE.roles,
    staff=True,
)
_ROLE_ASKED: Final = replace(
    asking(ROLE),
    expected=dict.fromkeys(("hybrid", "hybrid-store", "session", "session-feed"), "403"),
)

CARDS: Final = (
    replace(ELSEWHERE, fixed=(asking(ELSEWHERE),)),
    replace(PASSWORD, fixed=(asking(PASSWORD),)),
    replace(OFF, fixed=(asking(OFF),)),
    replace(ROLE, fixed=(_ROLE_ASKED,)),
)

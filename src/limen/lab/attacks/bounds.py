"""Cards about sizes: how much there is to guess, and how much fits."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Final

from limen.guarantees import Format
from limen.lab.attacks import forge
from limen.lab.attacks.card import Card, Probe
from limen.lab.attacks.forge import Draft
from limen.lab.attacks.measures import refusal_of, status_of
from limen.lab.playing.clients import ACCESS
from limen.lab.run import Plot, Step
from limen.lab.scenarios.roles import STAFF_LOGIN, staff_signed_in
from limen.lab.scenarios.steps import LOGIN, READ, READING, THEFT, robbed, signed_in
from limen.lab.servers.back_office import SET_ROLES
from limen.lab.servers.site import PROTECTED
from limen.phase import Phase
from limen.session import CREDENTIAL_OCTETS, SESSION_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run

GUESSES: Final = 12
# What breaking Ed25519 takes, as bits to guess (RFC 8032 section 8.5).
SIGNATURE_BITS: Final = 128
_UNMEASURED: Final = "not measured"
_YEAR_S: Final = 31_557_600
# As many and as long as an account may have: their JSON has 2048 octets.
ROLES: Final = tuple(f"role-{number:02}-{'x' * 52}" for number in range(32))
_NAMES: Final = ("jwt-only", "jwt", "session", "hybrid")

GUESS: Final = Step("guesses", "He makes up credentials of the right shape", READING)
ONE_MORE: Final = Step(
    "one role more", "An administrator gives her one role more", (Phase.AUTHZ_DECIDE,)
)


def _guessed(stage: Stage) -> None:
    thief, _ = robbed(stage, signed_in(stage, stage.owner()))
    copy, forger = thief.credential(ACCESS) or "", stage.thief()
    with stage.step(GUESS):
        for _ in range(GUESSES):
            guess = SESSION_PREFIX + secrets.token_urlsafe(CREDENTIAL_OCTETS)
            if "." in copy:
                guess = forge.guessed(Draft.of(copy))
            forger.present(ACCESS, guess, PROTECTED)


def _large(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    with stage.step(READ):
        victim.ask(PROTECTED)
    admin = staff_signed_in(stage)
    with stage.step(ONE_MORE):
        admin.ask(SET_ROLES, "POST", {"account": stage.account, "roles": [*ROLES, "one-more"]})


def _how_long(run: Run, column: Column) -> Mapping[str, str]:
    del run
    guesses = [one for one in column.exchanges if column.step_of[one.request_id] == GUESS.name]
    refused = sum(one.status == 401 for one in guesses)  # noqa: PLR2004 - the status
    taken_s = (guesses[-1].at - guesses[0].at) / 1000 if guesses else 0.0
    rate = (len(guesses) - 1) / taken_s if taken_s else 0.0
    signed = column.guarantees.format is Format.SIGNED
    bits = SIGNATURE_BITS if signed else CREDENTIAL_OCTETS * 8
    years = f"about 10^{math.log10(2 ** (bits - 1) / rate / _YEAR_S):.0f}" if rate else _UNMEASURED
    return {
        "Guesses, and how many were refused": f"{len(guesses)}, {refused}",
        "Bits to guess, by design (ASVS 7.2.3 asks for 128)": str(bits),
        "Guesses a second, here and one after the other": f"{rate:.0f}",
        "Years until half of all would be tried": years,
    }


def _octets(run: Run, column: Column) -> Mapping[str, str]:
    del run
    sent = [
        line.octets
        for one in column.exchanges
        if column.step_of[one.request_id] == READ.name
        for line in one.request.lines
        if line.name.lower() == "cookie"
    ]
    return {"The cookie line of her request": f"{sent[0]} bytes" if sent else "none"}


GUESSED: Final = Card(
    "A22",
    Plot(
        "A22",
        "guess a credential",
        "Somebody makes credentials up: session ids of the right shape, or tokens with a "
        "signature that was drawn by chance.",
        (LOGIN, THEFT, GUESS),
    ),
    _guessed,
    "He guesses, again and again. What does the last guess get?",
    GUESS.name,
    ("200", "401"),
    dict.fromkeys(_NAMES, "401"),
    "How much there is to guess: a session id is nothing but chance, and a signature cannot be "
    "had without the key.",
    "Nothing needs to be changed.",
    probes=(
        Probe(
            "Which check refuses it?",
            {
                "jwt-only": "401 by signature",
                "jwt": "401 by signature",
                "session": "401 by session exists",
                "hybrid": "401 by signature",
            },
            refusal_of(GUESS),
        ),
    ),
    facts=_how_long,
)
LARGE: Final = Card(
    "A24",
    Plot(
        "A24",
        "a credential that grows",
        "Alice has as many roles as an account may have, and they stand in her token. Browsers "
        "drop a cookie of more than 4096 bytes.",
        (LOGIN, READ, STAFF_LOGIN, ONE_MORE),
    ),
    _large,
    "She has signed in. What does her next request get?",
    READ.name,
    ("200", "401"),
    dict.fromkeys(_NAMES, "200"),
    "What the credential is: a token grows with what it says, a session id does not. The limit "
    "on roles keeps every token below what browsers keep.",
    "Keep fine permissions in tables of your own, or use `session`.",
    probes=(
        Probe(
            "An administrator gives her one role more. What is the answer?",
            dict.fromkeys(_NAMES, "422"),
            status_of(ONE_MORE),
        ),
    ),
    roles=ROLES,
    staff=True,
    facts=_octets,
)

CARDS: Final = (GUESSED, LARGE)

"""Cards about what is kept at rest: a copy of the store, and an id from before the login."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from limen.entropy import SystemEntropy, random_text
from limen.lab.attacks.card import NO_STEP, Card, last_status
from limen.lab.playing.clients import ACCESS, REFRESH, REFRESH_PATH
from limen.lab.run import Plot, Step
from limen.lab.scenarios.steps import LOGIN, READING, SIGNING_IN, signed_in
from limen.lab.servers.site import BASE_PATH, PASSPHRASE_OCTETS, PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.attacks.card import Outcome
    from limen.lab.playing.clients import Thief
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run

SIGN_UP: Final = f"{BASE_PATH}/sign-up/email"
AS_ALICE, AS_HERSELF = "200 as Alice", "200 as herself"
_OK: Final = "200"

DUMPED: Final = Step(
    "what the dump holds",
    "A thief with a copy of the store shows the digests in it",
    READING,
)
PLANTING: Final = Step(
    "account of the attacker", "Login: an attacker opens an account of her own", SIGNING_IN
)
PLANTED_LOGIN: Final = Step(
    "login over what was planted",
    "Login: Alice signs in with a browser in which the attacker's cookies were planted",
    SIGNING_IN,
)
PLANTED_USED: Final = Step("planted credential", "The attacker uses what she planted", READING)


def _dump(stage: Stage) -> None:
    signed_in(stage, stage.owner())
    thief = stage.thief()
    with stage.step(DUMPED):
        for text in _texts_of(stage):
            _show(thief, text)


def _texts_of(stage: Stage) -> list[str]:
    """Return what a copy of the store holds of credentials, in two ways of writing it.

    The names of sessions are left out: everybody may read them, and here whatever is shown as a
    credential counts as one.
    """
    with closing(sqlite3.connect(f"{stage.site.database.as_uri()}?mode=ro", uri=True)) as store:
        digests = [bytes(row[0]) for row in store.execute("select digest from limen_secret")]
    in_base64 = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in digests]
    return [*(one.hex() for one in digests), *in_base64]


def _show(thief: Thief, text: str) -> None:
    """Show a text as an access credential and as a refresh token."""
    thief.kept_by_script[ACCESS] = text
    thief.send("GET", PROTECTED)
    thief.send("POST", REFRESH_PATH, json={"refreshToken": text}, headers={"Authorization": ""})


def _best_answer(run: Run, column: Column) -> Outcome:
    """Return the best status that anything of the dump got."""
    del run
    answers = [one for one in column.exchanges if column.step_of.get(one.request_id) == DUMPED.name]
    return str(min(one.status for one in answers)) if answers else NO_STEP


DUMP: Final = Card(
    "A17",
    Plot(
        "A17",
        "a copy of the store",
        "A thief has a copy of the database while Alice is signed in. Everything in it "
        "that was made of a credential is shown to the server, in hexadecimal and in base64.",
        (LOGIN, DUMPED),
    ),
    _dump,
    "The thief shows every digest of the copy as a credential. What is the best answer?",
    DUMPED.name,
    ("200", "401", NO_STEP),
    {"jwt-only": NO_STEP, "jwt": "401", "session": "401", "hybrid": "401"},
    "Hashing at rest: the store keeps the SHA-256 of what opens something, and that opens "
    "nothing. It depends on no strategy.",
    "Nothing to fix. A copy still tells who is signed in, and guard the secret: with it, the "
    "signing keys in the copy can be opened.",
    measured=_best_answer,
    see=("A16",),
)


def _fixation(stage: Stage) -> None:
    attacker, alice = stage.owner("thief"), stage.owner()
    with stage.step(PLANTING):
        stated = {
            "name": "Mallory",
            "email": "mallory@example.org",
            "password": random_text(SystemEntropy(), PASSPHRASE_OCTETS),
        }
        attacker.send("POST", SIGN_UP, json=stated).raise_for_status()
    alice.take(attacker.copy_of_jar(ACCESS, REFRESH))
    signed_in(stage, alice, PLANTED_LOGIN)
    with stage.step(PLANTED_USED):
        attacker.ask(PROTECTED)


def _as_whom(run: Run, column: Column) -> Outcome:
    """Return what the planted credential got, and for whom it acted."""
    status = last_status(run, column, PLANTED_USED.name)
    if status != _OK:
        return status
    subjects = {
        event.outcome["subject"]["v"]
        for event in column.in_step(PLANTED_USED.name)
        if event.phase is Phase.PRINCIPAL_LOAD
    }
    return AS_ALICE if subjects & _accounts_named_alice(column) else AS_HERSELF


def _accounts_named_alice(column: Column) -> set[object]:
    """Return the ids of the accounts that were there before the attacker's."""
    accounts = next(table for table in column.ledger[0].tables if table.name == "accounts")
    return set(accounts.rows)


FIXATION: Final = Card(
    "A20",
    Plot(
        "A20",
        "fixation: a credential planted before the login",
        "An attacker plants her own cookies in Alice's browser and waits until Alice signs in "
        "there. Then she uses what she planted, of which she kept a copy.",
        (PLANTING, PLANTED_LOGIN, PLANTED_USED),
    ),
    _fixation,
    "Alice has signed in over the planted cookies. What does the attacker's copy get?",
    PLANTED_USED.name,
    (AS_ALICE, AS_HERSELF, "401"),
    {"jwt-only": AS_HERSELF, "jwt": AS_HERSELF, "session": "401", "hybrid": "401"},
    "Rotation at login: what proves a sign-in is made anew, and what the browser held before is "
    "ended. Only a token that nobody asks about still stands for its old owner, never for Alice.",
    "Nothing to fix. Never keep an id over a login.",
    measured=_as_whom,
    see=("A4",),
)

CARDS: Final = (DUMP, FIXATION)

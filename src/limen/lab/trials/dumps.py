"""A dump of the store, presented: is anything in it good for signing in?

A store keeps digests of credentials, so a copy of it should open nothing. That is tried here,
on a fresh run: everything in the file that was made of a credential is sent to the server.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.playing.clients import ACCESS, REFRESH, REFRESH_PATH
from limen.lab.playing.stage import carried_out
from limen.lab.reading.answers import FIRST_REFUSAL
from limen.lab.run import Plot, Step
from limen.lab.scenarios import LOGIN, READ, SIGN_IN
from limen.lab.servers.site import PROTECTED
from limen.lab.wire.tokens import stopped_at
from limen.session import REFRESH_PREFIX, SESSION_PREFIX

if TYPE_CHECKING:
    from limen.lab.playing.clients import Owner, Thief
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run
    from limen.lab.setups import Setup

AS_ACCESS: Final = Step("digests as session ids", "Dump: each digest, presented as a session id")
AS_REFRESH: Final = Step(
    "digests as refresh tokens", "Dump: each digest, presented as a refresh token"
)
AS_NAME: Final = Step("handles as session ids", "Dump: the handles of the sessions, presented")
AS_PASSPHRASE: Final = Step(
    "hash as passphrase", "Dump: the hash of the password, tried as the password"
)
AFTERWARDS: Final = Step("her browser afterwards", "Afterwards: her browser asks again")
TRIED: Final = (AS_ACCESS, AS_REFRESH, AS_NAME, AS_PASSPHRASE)
PLOT: Final = Plot(
    "dump",
    "a dump of the store, presented",
    "Alice signs in and reads. A thief gets a copy of the database file and presents whatever in "
    "it was made of a credential. Then her browser asks again.",
    (LOGIN, READ, *TRIED, AFTERWARDS),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one kind of thing in one column: how often it was presented and accepted.

    `reasons` are why the server refused, each once.
    """

    column: str
    presented: int
    accepted: int
    statuses: tuple[int, ...]
    reasons: tuple[str, ...]


def dumped(setups: tuple[Setup, ...]) -> Run:
    """Sign in under each setup and present what its store holds. Blocks."""
    return carried_out(PLOT, present, None, setups=setups, store_for=None)


def present(stage: Stage) -> None:
    """Let a thief present everything in the database file that was made of a credential."""
    owner, thief = stage.owner(), stage.thief()
    with stage.step(LOGIN):
        owner.sign_in(SIGN_IN, stage.person.email, stage.person.passphrase)
    with stage.step(READ):
        owner.read(PROTECTED)
    found = stage.site.ledger.dumped()
    digests = (*found["session id"], *found["refresh token"])
    with stage.step(AS_ACCESS):
        for text in _spelled(digests, SESSION_PREFIX):
            _ask(thief, owner, text)
    with stage.step(AS_REFRESH):
        for text in _spelled(digests, REFRESH_PREFIX):
            _refresh(thief, owner, text)
    with stage.step(AS_NAME):
        for handle in found["session handle"]:
            _ask(thief, owner, handle.decode())
    with stage.step(AS_PASSPHRASE):
        for hashed in found["password hash"]:
            thief.send(
                "POST", SIGN_IN, json={"email": stage.person.email, "password": hashed.decode()}
            )
    with stage.step(AFTERWARDS):
        owner.read(PROTECTED)


def trials_of(run: Run) -> list[tuple[Step, list[Trial]]]:
    """Return what came of each kind of thing by column; nothing for a run that is no dump."""
    if run.plot.id != PLOT.id:
        return []
    return [(step, [_trial(column, step) for column in run.columns]) for step in TRIED]


def _trial(column: Column, step: Step) -> Trial:
    mine = [one for one in column.exchanges if column.step_of.get(one.request_id) == step.name]
    statuses = [one.status for one in mine]
    stops = [
        stopped_at([event for event in column.events if event.request_id == one.request_id])
        for one in mine
    ]
    reasons = dict.fromkeys(stop.reason for stop in stops if stop and stop.reason)
    accepted = sum(status < FIRST_REFUSAL for status in statuses)
    return Trial(column.name, len(mine), accepted, tuple(dict.fromkeys(statuses)), tuple(reasons))


def _spelled(digests: tuple[bytes, ...], prefix: str) -> Iterator[str]:
    """Spell each digest in hexadecimal, and in the shape that a credential has."""
    for digest in digests:
        yield digest.hex()
        yield prefix + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _ask(thief: Thief, owner: Owner, text: str) -> None:
    names = [one.name for one in owner.copy_of_jar(ACCESS)]
    if names:
        thief.send("GET", PROTECTED, cookies={names[0]: text})
    else:
        thief.send("GET", PROTECTED, headers={"Authorization": f"Bearer {text}"})


def _refresh(thief: Thief, owner: Owner, text: str) -> None:
    names = [one.name.replace(ACCESS, REFRESH) for one in owner.copy_of_jar(ACCESS)]
    if names:
        thief.send("POST", PROTECTED, cookies={names[0]: text})
    else:
        thief.send("POST", REFRESH_PATH, json={"refreshToken": text})

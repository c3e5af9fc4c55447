"""Cards about copies: whoever holds a credential is taken for its owner, until it is ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.lab.attacks.acts import asking, trade
from limen.lab.attacks.card import NO_STEP, Card, Probe
from limen.lab.attacks.measures import UNCHANGED, rows_during, status_of
from limen.lab.playing.clients import ACCESS, REFRESH
from limen.lab.run import Plot, Step
from limen.lab.scenarios import LOGOUT_REPLAY
from limen.lab.scenarios.steps import (
    COPY_LATER,
    LOGIN,
    PAST_ACCESS,
    READ,
    READING,
    REPLAY,
    REPLAY_REFRESH,
    THEFT,
    robbed,
    signed_in,
)
from limen.lab.servers.site import PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

COPY: Final = Step("copy", "Copy: the thief asks with the copied access credential", READING)
COPY_OF_REFRESH: Final = Step(
    "copy of the refresh token", "Copy: another thief asks with the copied refresh token alone"
)
FORGETS: Final = Step(
    "deletes the cookies",
    "Her browser deletes its copies, and no request is made",
    (Phase.CLIENT_FORGET,),
)
BROWSER_AFTER: Final = Step("browser afterwards", "Read: her own browser asks again", READING)


def _unnoticed(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thief, refresher = robbed(stage, victim)
    with stage.step(COPY):
        thief.ask(PROTECTED)
    if refresher.held:
        with stage.step(COPY_OF_REFRESH):
            trade(refresher)
    stage.pass_time(PAST_ACCESS)
    with stage.step(COPY_LATER):
        thief.ask(PROTECTED)


def _deleted(stage: Stage) -> None:
    victim = signed_in(stage, stage.owner())
    thief, _ = robbed(stage, victim)
    with stage.step(READ):
        victim.read(PROTECTED)
    with stage.step(FORGETS):
        victim.forget(ACCESS, REFRESH)
        stage.site.ledger.read(victim.requests[-1])
    with stage.step(BROWSER_AFTER):
        victim.ask(PROTECTED)
    with stage.step(COPY):
        thief.ask(PROTECTED)


UNNOTICED: Final = Card(
    "A1",
    Plot(
        "A1",
        "steal and use, nothing ended",
        "A thief copies what Alice's browser holds and uses it. Nobody notices, and nothing is "
        "ended.",
        (LOGIN, THEFT, COPY, COPY_OF_REFRESH, COPY_LATER),
    ),
    _unnoticed,
    "A thief uses a copy of her access credential. What is the answer?",
    COPY.name,
    ("200", "401"),
    {"jwt-only": "200", "jwt": "200", "session": "200", "hybrid": "200"},
    "None of the four: a bearer credential belongs to whoever bears it, whatever its format. "
    "The choice shows in how long the copy lasts.",
    "No setting tells a copy from the original. A shorter `access_lifetime` and `idle` shorten "
    "what a copy is good for; ending the sign-in is what stops it.",
    probes=(
        Probe(
            "And with a copy of her refresh token?",
            {"jwt-only": NO_STEP, "jwt": "200", "session": NO_STEP, "hybrid": "200"},
            status_of(COPY_OF_REFRESH),
        ),
        Probe(
            "Does the copy of the access credential still work when the token has expired?",
            {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
            status_of(COPY_LATER),
        ),
    ),
    see=("A3",),
)

DELETED: Final = Card(
    "A2",
    Plot(
        "A2",
        "delete the cookie in the browser only",
        "Alice clears her browser instead of signing out. A thief has a copy.",
        (LOGIN, THEFT, READ, FORGETS, BROWSER_AFTER, COPY),
    ),
    _deleted,
    "Her browser has forgotten everything and told nobody. What does the thief's copy get?",
    COPY.name,
    ("200", "401"),
    {"jwt-only": "200", "jwt": "200", "session": "200", "hybrid": "200"},
    "None of the four: the server was told nothing, so nothing could change there.",
    "Sign out by a request, which the server answers by ending the sign-in.",
    probes=(
        Probe(
            "What happened to the rows of the session in the store?",
            dict.fromkeys(("jwt-only", "jwt", "session", "hybrid"), UNCHANGED),
            rows_during("sessions", FORGETS),
        ),
        Probe(
            "What does her own browser get, which has nothing left?",
            dict.fromkeys(("jwt-only", "jwt", "session", "hybrid"), "401"),
            status_of(BROWSER_AFTER),
        ),
    ),
    see=("A3",),
)

_SIGNED_OUT: Final = Card(
    "A3",
    LOGOUT_REPLAY.plot,
    LOGOUT_REPLAY.script,
    "Alice signs out. What does the thief's copy of her access credential get afterwards?",
    REPLAY.name,
    ("200", "401"),
    {"jwt-only": "200", "jwt": "200", "session": "401", "hybrid": "401"},
    "What is asked on each request: a token that nobody asks about is good until it expires.",
    "Ask the feed or the store on each request: hybrid or session.",
    probes=(
        Probe(
            "And the copy of her refresh token?",
            {"jwt-only": NO_STEP, "jwt": "401", "session": NO_STEP, "hybrid": "401"},
            status_of(REPLAY_REFRESH),
        ),
    ),
)
SIGNED_OUT: Final = replace(_SIGNED_OUT, fixed=(asking(_SIGNED_OUT),))

CARDS: Final = (UNNOTICED, DELETED, SIGNED_OUT)

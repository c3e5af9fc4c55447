"""Cards about refresh tokens: used twice by a thief, and used twice by their owner at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from limen.lab.attacks.card import NO_STEP, Card, Probe
from limen.lab.attacks.measures import status_of
from limen.lab.reading.answers import FIRST_REFUSAL
from limen.lab.run import Plot, Step
from limen.lab.scenarios.refresh import (
    OWNER_AT_ONCE,
    OWNER_LATER,
    PAST_GRACE,
    REFRESHED,
    RETRY,
    REUSE,
)
from limen.lab.scenarios.steps import LOGIN, PAST_ACCESS, READING, signed_in
from limen.lab.servers.site import PROTECTED
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.attacks.card import Outcome
    from limen.lab.playing.clients import Owner
    from limen.lab.playing.stage import Stage
    from limen.lab.run import Column, Run

BOTH, ONE, NEITHER = "both go on", "one goes on", "neither goes on"

RACE: Final = Step(
    "two tabs at once", "After 301 s: two tabs of her browser ask at the same moment", READING
)
AFTER_RACE: Final = Step(
    "after the race", "After 301 s more: the browser asks with what the race left", READING
)

REUSED: Final = Card(
    "A21",
    REFRESHED.plot,
    REFRESHED.script,
    "A thief uses a copy of a refresh token that her browser has used already. What is the answer?",
    REUSE.name,
    ("200", "401", NO_STEP),
    {"jwt-only": NO_STEP, "jwt": "401", "session": NO_STEP, "hybrid": "401"},
    "Rotation: each refresh token works once, so a second use tells that there are two holders.",
    "It works as it should: nobody can know which of the two is Alice, so both must sign in. "
    "A shorter `grace` narrows the time in which a copy of a used one is a retry.",
    probes=(
        Probe(
            "And within the grace time, by her own second tab?",
            {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "200"},
            status_of(RETRY),
        ),
        Probe(
            "What does Alice's own browser get right after the thief?",
            {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "401"},
            status_of(OWNER_AT_ONCE),
        ),
        Probe(
            "And when her access token has expired?",
            {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
            status_of(OWNER_LATER),
        ),
    ),
    see=("A23",),
)


def _race(stage: Stage) -> None:
    alice = signed_in(stage, stage.owner())
    stage.pass_time(PAST_ACCESS)
    tab = stage.tab(alice)
    start = threading.Barrier(2)

    def ask(one: Owner) -> None:
        start.wait()
        one.ask(PROTECTED, "POST")

    with stage.step(RACE), ThreadPoolExecutor(2) as tabs:
        for done in [tabs.submit(ask, one) for one in (alice, tab)]:
            done.result()
    # One browser has one jar: what either tab was given last is in it.
    stage.pass_time(PAST_GRACE + PAST_ACCESS)
    with stage.step(AFTER_RACE):
        alice.ask(PROTECTED, "POST")


def _who_went_on(run: Run, column: Column) -> Outcome:
    del run
    answers = [one for one in column.exchanges if column.step_of.get(one.request_id) == RACE.name]
    went_on = sum(one.status < FIRST_REFUSAL for one in answers)
    return (NEITHER, ONE, BOTH)[went_on] if answers else NO_STEP


def _successors(run: Run, column: Column) -> Outcome:
    """Count the refresh tokens that the race brought forth."""
    del run
    kept = {
        str(event.outcome["refresh cookie"]["label"])
        for event in column.in_step(RACE.name)
        if event.phase is Phase.CLIENT_STORE and "refresh cookie" in event.outcome
    }
    return str(len(kept)) if kept else NO_STEP


RACED: Final = Card(
    "A23",
    Plot(
        "A23",
        "two refreshes at once",
        "Her access token has expired, and two tabs of her browser use the one refresh token at "
        "the same moment. That is no theft, and it must not look like one.",
        (LOGIN, RACE, AFTER_RACE),
    ),
    _race,
    "Two tabs trade the same refresh token at the same moment. Who goes on?",
    RACE.name,
    (BOTH, ONE, NEITHER),
    {"jwt-only": NEITHER, "jwt": BOTH, "session": BOTH, "hybrid": BOTH},
    "The grace time: whoever comes second gets the successor that the first one got.",
    "Nothing to fix. Without a grace time (`grace=0`) the second tab would look like a thief.",
    measured=_who_went_on,
    probes=(
        Probe(
            "How many new refresh tokens are there?",
            {"jwt-only": NO_STEP, "jwt": "1", "session": NO_STEP, "hybrid": "1"},
            _successors,
        ),
        Probe(
            "Does the browser get on later, with what it was left with?",
            {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "200"},
            status_of(AFTER_RACE),
        ),
    ),
    see=("A21",),
)

CARDS: Final = (REUSED, RACED)

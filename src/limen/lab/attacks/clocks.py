"""Cards about time: what it ends by itself, and clocks that do not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.attacks.card import Card, Probe
from limen.lab.attacks.measures import status_of
from limen.lab.playing.clients import ACCESS
from limen.lab.run import Plot, Step
from limen.lab.scenarios.expiry import EXPIRY
from limen.lab.scenarios.steps import (
    COPY_LATER,
    IDLE,
    LOGIN,
    OWN_LATER,
    PHONE,
    READING,
    THEFT,
    signed_in,
)
from limen.lab.servers.cluster import NODE_A, NODE_B
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from limen.lab.playing.stage import Stage

# Tokens may be up to 5 s from the future. While the requests are made a slow machine brings
# the clocks nearer to each other, so both sides of that edge are tried at some distance.
WITHIN_LEEWAY: Final = 3_000
BEYOND_LEEWAY: Final = 60_000

SLIGHTLY_AHEAD: Final = Step(
    "node A 3 s ahead", "Node B is asked with what node A issued, whose clock is 3 s ahead", READING
)
FAR_AHEAD: Final = Step(
    "node A 60 s ahead",
    "Node B is asked with what node A issued, whose clock is 60 s ahead",
    READING,
)
BROWSER_AT_B: Final = Step("browser at node B", "Node B is asked by her phone itself", READING)

EXPIRED: Final = Card(
    "A11",
    EXPIRY.plot,
    EXPIRY.script,
    "Five minutes have passed. What does a copy of her access credential get?",
    COPY_LATER.name,
    ("200", "401"),
    {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
    "What carries the end: a signed token has it written inside, a session's moves with each use.",
    "A shorter `access_lifetime` or a shorter `idle`. Time alone never ends a copy at the moment "
    "that you choose; a revocation does.",
    probes=(
        Probe(
            "And her own browser, which has everything?",
            {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "200"},
            status_of(OWN_LATER),
        ),
        Probe(
            "And her own browser after eight days without use?",
            dict.fromkeys(("jwt-only", "jwt", "session", "hybrid"), "401"),
            status_of(IDLE),
        ),
    ),
    see=("A1",),
)


def _skewed(stage: Stage) -> None:
    stage.nodes[NODE_A].set_ahead(WITHIN_LEEWAY)
    alice = signed_in(stage, stage.owner())
    near, far = stage.thief(), stage.thief()
    with stage.step(THEFT):
        near.steal(alice, ACCESS)
    stage.nodes.prefer(NODE_B)
    with stage.step(SLIGHTLY_AHEAD):
        near.ask(PROTECTED)
    stage.nodes.prefer(NODE_A)
    stage.nodes[NODE_A].set_ahead(BEYOND_LEEWAY)
    phone = signed_in(stage, stage.owner("phone"), PHONE)
    with stage.step(THEFT):
        far.steal(phone, ACCESS)
    stage.nodes.prefer(NODE_B)
    with stage.step(FAR_AHEAD):
        far.ask(PROTECTED)
    with stage.step(BROWSER_AT_B):
        phone.ask(PROTECTED)


SKEWED: Final = Card(
    "A12",
    Plot(
        "A12",
        "clocks that do not agree",
        "The clock of node A is ahead of that of node B, a little at first and then far. What "
        "one node issues is shown to the other.",
        (LOGIN, THEFT, SLIGHTLY_AHEAD, PHONE, FAR_AHEAD, BROWSER_AT_B),
    ),
    _skewed,
    "Node A is 60 s ahead and signs her phone in. What does the access credential get at node B?",
    FAR_AHEAD.name,
    ("200", "401"),
    {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
    "Who tells the time: a token brings the time of whoever signed it, and at most 5 s of the "
    "future are excused. A row is judged by one clock, that of the node which reads it.",
    "Keep the clocks of all nodes by NTP. The leeway is for what that leaves; a token that has "
    "expired is excused by nothing.",
    probes=(
        Probe(
            "And while node A was only 3 s ahead?",
            dict.fromkeys(("jwt-only", "jwt", "session", "hybrid"), "200"),
            status_of(SLIGHTLY_AHEAD),
        ),
        Probe(
            "Does her phone get on at node B, which has a refresh token where there is one?",
            {"jwt-only": "401", "jwt": "401", "session": "200", "hybrid": "401"},
            status_of(BROWSER_AT_B),
        ),
    ),
    nodes=2,
    see=("A11",),
)

CARDS: Final = (EXPIRED, SKEWED)

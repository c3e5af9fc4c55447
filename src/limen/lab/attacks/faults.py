"""Cards about what dies: a server process, and the store."""

from __future__ import annotations

from typing import Final

from limen.lab.attacks.card import Card, Probe
from limen.lab.attacks.measures import status_of
from limen.lab.scenarios.nodes import ANOTHER_NODE, LOGIN_AGAIN, NODE_FAULT, NODE_KILLED
from limen.lab.scenarios.store import BACK, LEASE_OVER, LOGIN_REFUSED, STORE_FAULT, TOKEN_OVER
from limen.lab.setups import ATTACKED, IN_MEMORY

_SHARING: Final = ("jwt-only", "jwt", "session", "hybrid")

NODE_KILLED_CARD: Final = Card(
    "A13",
    NODE_FAULT.plot,
    NODE_FAULT.script,
    "The server process that signed her in is killed. What does her browser get from the other?",
    NODE_KILLED.name,
    ("200", "401", "503"),
    {**dict.fromkeys(_SHARING, "200"), IN_MEMORY.name: "401"},
    "Where the store is, and not the strategy: what only one process knows dies with it.",
    "Give all processes one store. The memory store is for tests and for one process.",
    setups=(*ATTACKED, IN_MEMORY),
    probes=(
        Probe(
            "And before the kill, when the balancer sent her to the other node?",
            {**dict.fromkeys(_SHARING, "200"), IN_MEMORY.name: "401"},
            status_of(ANOTHER_NODE),
        ),
        Probe(
            "Can somebody sign in while the node is gone?",
            dict.fromkeys((*_SHARING, IN_MEMORY.name), "200"),
            status_of(LOGIN_AGAIN),
        ),
    ),
    nodes=2,
    see=("A14",),
)

STORE_KILLED: Final = Card(
    "A14",
    STORE_FAULT.plot,
    STORE_FAULT.script,
    "The store was killed and nobody has heard of it for 3 s. What does her browser get?",
    LEASE_OVER.name,
    ("200", "401", "503"),
    {"jwt-only": "200", "jwt": "200", "session": "503", "hybrid": "503"},
    "What is asked on each request, and what is done without an answer: Limen accepts nobody "
    "whose sign-in might have been ended meanwhile.",
    "To go on without the store means to accept who was revoked: `jwt`, for as long as its token "
    "lives. A longer `max_lag` lets `hybrid` go on for that long.",
    probes=(
        Probe(
            "And when her access token has expired?",
            {"jwt-only": "401", "jwt": "503", "session": "503", "hybrid": "503"},
            status_of(TOKEN_OVER),
        ),
        Probe(
            "Can somebody sign in meanwhile?",
            dict.fromkeys(_SHARING, "503"),
            status_of(LOGIN_REFUSED),
        ),
        Probe(
            "And once the store is back?",
            {"jwt-only": "401", "jwt": "200", "session": "200", "hybrid": "200"},
            status_of(BACK),
        ),
    ),
    store_apart=True,
    see=("A13",),
)

CARDS: Final = (NODE_KILLED_CARD, STORE_KILLED)

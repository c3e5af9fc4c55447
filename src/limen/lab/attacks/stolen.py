"""Cards about copies: whoever holds a credential is taken for its owner, until it is ended."""

from __future__ import annotations

from typing import Final

from limen.lab.attacks.card import Card
from limen.lab.scenarios import LOGOUT_REPLAY, REPLAY

SIGNED_OUT: Final = Card(
    "A3",
    LOGOUT_REPLAY.plot,
    LOGOUT_REPLAY.script,
    "Alice signs out. What does the thief's copy of her access credential get afterwards?",
    REPLAY.name,
    ("200", "401"),
    {"jwt-only": "200", "jwt": "200", "session": "401", "hybrid": "401"},
    "What is asked on each request: a token that nobody asks about is good until it expires.",
    "Ask the feed or the store on each request: hybrid or session.",
)

CARDS: Final = (SIGNED_OUT,)

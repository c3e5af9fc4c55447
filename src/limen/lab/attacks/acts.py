"""What people do in several cards, each in a step of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.lab.playing.clients import REFRESH, REFRESH_PATH
from limen.lab.scenarios.steps import REPLAY, REPLAY_REFRESH
from limen.lab.servers.site import PROTECTED
from limen.lab.setups import SETUPS

if TYPE_CHECKING:
    from limen.lab.attacks.card import Card
    from limen.lab.playing.clients import SimulatedClient, Thief
    from limen.lab.playing.stage import Stage

# Every setup that asks somebody on each request.
ASKING: Final = tuple(
    SETUPS[name] for name in ("hybrid", "hybrid-store", "session", "session-feed")
)


def tried(stage: Stage, thieves: tuple[Thief, Thief], ended_ns: int) -> None:
    """Use both copies once after the end."""
    thief, refresher = thieves
    with stage.step(REPLAY):
        thief.replay("GET", PROTECTED, ended_ns)
    if refresher.held:
        with stage.step(REPLAY_REFRESH):
            refresher.replay("POST", PROTECTED, ended_ns)


def trade(client: SimulatedClient) -> None:
    """Let somebody with nothing but a refresh token trade it, as its carrier has it."""
    refresh = client.kept_by_script.get(REFRESH)
    if refresh is None:
        # A POST: a safe request would only recall the session, this one rotates.
        client.send("POST", PROTECTED)
    else:
        client.send("POST", REFRESH_PATH, json={"refreshToken": refresh})


def asking(card: Card) -> Card:
    """Return the same attack where the feed or the store is asked on each request."""
    return replace(
        card,
        id=f"{card.id}-asking",
        setups=ASKING,
        expected=dict.fromkeys((one.name for one in ASKING), "401"),
        condition="the feed or the store is asked on each request",
        fixed=(),
        probes=(),
    )

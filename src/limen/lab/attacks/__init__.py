"""The attack cards, by id: the outcomes they expect are the oracle of the tests."""

from collections.abc import Mapping
from typing import Final

from limen.lab.attacks import bounds, ended, forged, page, stolen
from limen.lab.attacks.card import Card

_ALL: Final = (
    *stolen.CARDS,
    *ended.CARDS,
    *forged.CARDS,
    *page.CARDS,
    *bounds.CARDS,
)
CARDS: Final[Mapping[str, Card]] = {
    card.id: card for card in sorted(_ALL, key=lambda card: int(card.id.removeprefix("A")))
}

"""The attack cards, by id: the outcomes they expect are the oracle of the tests."""

from collections.abc import Mapping
from typing import Final

from limen.lab.attacks import ended, stolen
from limen.lab.attacks.card import Card

CARDS: Final[Mapping[str, Card]] = {
    card.id: card
    for card in sorted(
        (*stolen.CARDS, *ended.CARDS), key=lambda card: int(card.id.removeprefix("A"))
    )
}

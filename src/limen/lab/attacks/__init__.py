"""The attack cards, by id: the outcomes they expect are the oracle of the tests."""

from collections.abc import Mapping
from typing import Final

from limen.lab.attacks import (
    bounds,
    clocks,
    ended,
    faults,
    forged,
    keys,
    page,
    renewal,
    stolen,
    store,
)
from limen.lab.attacks.card import Card

_SUBJECTS: Final = (
    stolen,
    ended,
    forged,
    page,
    bounds,
    clocks,
    faults,
    keys,
    renewal,
    store,
)
CARDS: Final[Mapping[str, Card]] = {
    card.id: card
    for card in sorted(
        (card for subject in _SUBJECTS for card in subject.CARDS),
        key=lambda card: int(card.id.removeprefix("A")),
    )
}

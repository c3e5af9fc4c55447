"""Which of the questions are asked, and in which order: by a seed, so that a class can share them.

The shuffling is by digests, so that every Python on every machine deals alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeVar

from limen.lab.quiz import (
    beginnings,
    causes,
    claims,
    figures,
    replies,
    sentences,
    sequence,
)
from limen.lab.quiz.item import settled
from limen.lab.quiz.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from limen.lab.quiz.item import Item, Option, Template
    from limen.lab.run import Run

T = TypeVar("T")
SIZE: Final = 9
WRONG_OPTIONS: Final = 3
TEMPLATES: Final[tuple[Template, ...]] = (
    beginnings.beginnings,
    beginnings.holdings_asked,
    replies.let_in,
    replies.statuses,
    replies.both,
    causes.causes,
    figures.reads,
    figures.checks,
    figures.windows,
    sentences.sentences,
    sequence.sequences,
    claims.forgotten_copies,
    claims.deleted_rows,
    claims.kept_passwords,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it stands on the page: its options in the order of this seed."""

    item: Item
    options: tuple[Option[Any], ...]

    def is_right(self, place: int) -> bool:
        """Tell whether the option at a place is the right one."""
        return self.options[place] is self.item.right


@dataclass(frozen=True, slots=True)
class Quiz:
    """The questions of one run and one seed."""

    sheet: Sheet
    seed: str
    asked: tuple[Asked, ...]


def items_of(sheet: Sheet) -> tuple[Item, ...]:
    """Return every question that may be asked of a run."""
    found = (settled(draft, sheet) for template in TEMPLATES for draft in template(sheet))
    return tuple(item for item in found if item is not None)


def deal(run: Run, seed: str, only: Sequence[str] = ()) -> Quiz:
    """Return the questions of a seed; with `only`, those of these ids again, and no others."""
    sheet = Sheet(run)
    items = items_of(sheet)
    if only:
        # The same questions with their options in another order.
        again = tuple(_asked(item, f"{seed} again") for item in items if item.id in only)
        return Quiz(sheet, seed, again[:SIZE])
    # From beginnings to what lessons say: the templates are numbered from easy to hard.
    chosen = sorted(_spread(items, seed)[:SIZE], key=lambda one: one.template)
    return Quiz(sheet, seed, tuple(_asked(item, seed) for item in chosen))


def _spread(items: Iterable[Item], seed: str) -> list[Item]:
    """Return the items, one of each template before the second of any."""
    dealt = shuffled(items, seed, lambda one: one.id)
    by_template: dict[str, list[Item]] = {}
    for item in dealt:
        by_template.setdefault(item.template, []).append(item)
    rounds = zip_longest(*(by_template[name] for name in shuffled(by_template, seed, str)))
    return [item for one in rounds for item in one if item is not None]


def _asked(item: Item, seed: str) -> Asked:
    salt = f"{seed} {item.id}"
    wrong = shuffled(item.wrong, salt, lambda one: one.text)[:WRONG_OPTIONS]
    return Asked(item, tuple(shuffled([item.right, *wrong], f"{salt} order", lambda one: one.text)))


def shuffled(things: Iterable[T], salt: str, name: Callable[[T], str]) -> list[T]:
    """Return things in an order that depends on nothing but the salt and their names."""
    return sorted(things, key=lambda one: hashlib.sha256(f"{salt}|{name(one)}".encode()).digest())

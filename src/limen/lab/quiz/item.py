"""A question, its options and a predicate over the trace, and when it may be asked.

`settled` is the only way to an `Item`. It evaluates the predicate for each option, and gives
nothing unless exactly one holds, all read differently, and every option is shown by words that
stand where it says they do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.quiz.sheet import Reading, Sheet

V = TypeVar("V", bound=Hashable)
MIN_OPTIONS = 2
_UNFIT_FOR_AN_ID = re.compile(r"[^A-Za-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Option(Generic[V]):
    """One possible answer, and the cell that decides it: its evidence, or what contradicts it.

    `note` says how to read that cell, where it does not say so itself.
    """

    value: V
    text: str
    shown_by: Reading
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft(Generic[V]):
    """What a template proposes. `holds` reads the trace, and nothing but the trace."""

    id: str
    question: str
    options: tuple[Option[V], ...]
    holds: Callable[[V], bool]


Template: TypeAlias = "Callable[[Sheet], Iterator[Draft[Any]]]"


@dataclass(frozen=True, slots=True)
class Item:
    """A question that may be asked: one option is right, and the sheet shows each of them.

    `id` begins with the name of its template. The hint is the cell that shows the right one.
    """

    id: str
    question: str
    right: Option[Any]
    wrong: tuple[Option[Any], ...]

    @property
    def template(self) -> str:
        """The name of the template, such as `T3`."""
        return self.id.partition(".")[0]

    @property
    def hint(self) -> Reading:
        """Where the answer can be read."""
        return self.right.shown_by


def settled(draft: Draft[Any], sheet: Sheet) -> Item | None:
    """Return the item of a draft, `None` if the trace does not give it exactly one answer."""
    right = [one for one in draft.options if draft.holds(one.value)]
    wrong = tuple(one for one in draft.options if one not in right)
    texts = {one.text for one in draft.options}
    if len(right) != 1 or len(texts) != len(draft.options) or len(texts) < MIN_OPTIONS:
        return None
    if not all(sheet.shows(one.shown_by) for one in draft.options):
        return None
    return Item(_UNFIT_FOR_AN_ID.sub("-", draft.id), draft.question, right[0], wrong)

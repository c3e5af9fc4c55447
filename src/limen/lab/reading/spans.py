"""A value that lasts for some rows of the table: from which row to which."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Span(Generic[T_co]):
    """A value from one row to another, both included."""

    first: int
    last: int
    value: T_co

    @property
    def length(self) -> int:
        """Return how many rows it lasts."""
        return self.last - self.first + 1


def spans_of(values: Mapping[int, T_co]) -> tuple[Span[T_co], ...]:
    """Return the runs of equal values, from one value for each row, in their order."""
    grouped = itertools.groupby(values.items(), key=lambda item: item[1])
    return tuple(
        Span(rows[0][0], rows[-1][0], value)
        for value, rows in ((value, list(rows)) for value, rows in grouped)
    )

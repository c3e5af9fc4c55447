"""What is kept of runs and measurements: a bounded number, in memory, gone with the process."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RUNS = 20


class _Named(Protocol):
    @property
    def id(self) -> str: ...


K = TypeVar("K", bound=_Named)


class Shelf(Generic[K]):
    """The newest of one kind."""

    def __init__(self, capacity: int = MAX_RUNS) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, K] = OrderedDict()

    def keep(self, one: K) -> None:
        """Keep one, and forget the oldest when there are too many."""
        self._kept[one.id] = one
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def find(self, name: str) -> K | None:
        """Return one by its id, if it is still kept."""
        return self._kept.get(name)

    def __iter__(self) -> Iterator[K]:
        """Yield them, newest first."""
        return reversed(self._kept.values())

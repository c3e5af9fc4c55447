"""The runs that are kept: a bounded number, in memory, gone with the process."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.run import Run

MAX_RUNS = 20


class Shelf:
    """The newest runs."""

    def __init__(self, capacity: int = MAX_RUNS) -> None:
        self._capacity = capacity
        self._runs: OrderedDict[str, Run] = OrderedDict()

    def keep(self, run: Run) -> None:
        """Keep a run, and forget the oldest when there are too many."""
        self._runs[run.id] = run
        while len(self._runs) > self._capacity:
            self._runs.popitem(last=False)

    def find(self, run_id: str) -> Run | None:
        """Return a run, if it is still kept."""
        return self._runs.get(run_id)

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs, newest first."""
        return reversed(self._runs.values())

"""Clocks that tests hold in their hands. Times are in milliseconds."""

from __future__ import annotations

from typing import Final

# A whole second (2027-01-15T08:00:00Z), so that `exp` loses nothing by rounding down.
START: Final = 1_800_000_000_000


class FrozenClock:
    """Stands still until it is moved."""

    def __init__(self, at: int = START) -> None:
        self._at = at

    def now(self) -> int:
        """Return the time at which the clock stands."""
        return self._at

    def advance(self, ms: int) -> int:
        """Move the clock forward and return the new time; raises `ValueError` for backward."""
        if ms < 0:
            raise ValueError("a clock of Limen never runs backwards")
        self._at += ms
        return self._at


class StepClock(FrozenClock):
    """Moves on by `step` milliseconds whenever it is read, so that no two readings agree."""

    def __init__(self, at: int = START, *, step: int = 1) -> None:
        super().__init__(at)
        self._step = step

    def now(self) -> int:
        """Return the time and move on."""
        read = super().now()
        self.advance(self._step)
        return read

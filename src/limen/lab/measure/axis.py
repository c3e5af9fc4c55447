"""Axes on which a thousandth and a thousand stand side by side; places are in per cent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LEFT: Final = 1.5
_RIGHT: Final = 98.5
_US: Final = 1e3  # nanoseconds
_MS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid. `minor` ones lose their label where there is little room."""

    at: float
    label: str
    minor: bool = False


class TimeAxis:
    """Milliseconds from an ending: a little before it, one linear millisecond, then decades."""

    BEFORE_MS: Final = 30.0
    _BEFORE: Final = 0.8  # widths are in decades
    _LONGEST_MS: Final = 600_000.0

    def __init__(self) -> None:
        self._width = self._BEFORE + 1 + math.log10(self._LONGEST_MS)
        steps = (0, 1, 10, 100, 1_000, 10_000, 100_000)
        labels = ("0", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s")
        self.ticks = tuple(
            Tick(self.at(step), label, minor=number % 2 == 1)
            for number, (step, label) in enumerate(zip(steps, labels, strict=True))
        )

    @property
    def zero(self) -> float:
        """Return the place of the ending itself."""
        return self.at(0)

    def at(self, milliseconds: float) -> float:
        """Return the place of a moment; what lies beyond an end stands at that end."""
        if milliseconds < 0:
            steps = self._BEFORE * (1 - min(-milliseconds / self.BEFORE_MS, 1))
        elif milliseconds < 1:
            steps = self._BEFORE + milliseconds
        else:
            longest = min(milliseconds, self._LONGEST_MS)
            steps = self._BEFORE + 1 + math.log10(longest)
        return round(_LEFT + steps / self._width * (_RIGHT - _LEFT), 2)


class DurationAxis:
    """Nanoseconds by decades, from half a microsecond to beyond a tenth of a second."""

    SHORTEST: Final = 0.5 * _US
    LONGEST: Final = 200 * _MS

    def __init__(self) -> None:
        steps = (_US, 10 * _US, 100 * _US, _MS, 10 * _MS, 100 * _MS)
        labels = ("1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms")
        self.ticks = tuple(
            Tick(self.at(step), label, minor=number % 2 == 1)
            for number, (step, label) in enumerate(zip(steps, labels, strict=True))
        )

    def at(self, nanoseconds: float) -> float:
        """Return the place of a duration; what lies beyond an end stands at that end."""
        held = min(max(nanoseconds, self.SHORTEST), self.LONGEST)
        share = math.log(held / self.SHORTEST) / math.log(self.LONGEST / self.SHORTEST)
        return round(_LEFT + share * (_RIGHT - _LEFT), 2)


def apart(places: Iterable[float], least: float) -> tuple[float, ...]:
    """Return the places without those that nobody could tell from the one before."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] >= least:
            kept.append(place)
    return tuple(kept)

"""The pictures of a measurement, as places for a template to draw: the numbers decide them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.measure.axis import DurationAxis, TimeAxis, apart
from limen.lab.measure.window import HERE, PAUSE_MS, PAUSE_SHARE, THERE

if TYPE_CHECKING:
    from limen.lab.measure.result import Measurement, Sample
    from limen.lab.measure.window import Track, Window

TIME: Final = TimeAxis()
DURATION: Final = DurationAxis()
# Pixels. Places along the axis are in per cent, so that text keeps its size at every width.
_PROMISE: Final = 40
_HEAD: Final = 17
_ROW: Final = 9
_GAP: Final = 7
# Dots that stand nearer than this, in per cent, are drawn as one.
_DOT: Final = 0.8
_FINE: Final = 0.5
_STRIP_ROWS: Final = 5
CLAIMED_NS: Final = (50e6, 100e6)


@dataclass(frozen=True, slots=True)
class Row:
    """What one thief saw at one server: dots for what was accepted, a mark for the refusal."""

    y: int
    before: tuple[float, ...]
    accepted: tuple[float, ...]
    refused: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one server, and what they show as numbers; times are in milliseconds."""

    place: str
    y: int
    rows: tuple[Row, ...]
    tracks: tuple[Track, ...]

    @property
    def accepted(self) -> tuple[int, int]:
        """Return how many requests were accepted after an ending: the fewest and the most."""
        counts = [len(one.accepted) for one in self.tracks]
        return min(counts), max(counts)

    @property
    def last_accepted(self) -> float | None:
        """Return when the last of them was sent, `None` if there was none."""
        sent = [one.last_accepted for one in self.tracks if one.last_accepted is not None]
        return max(sent, default=None)

    @property
    def refusals(self) -> tuple[float, float] | None:
        """Return the earliest and the latest first refusal, `None` if a copy was never refused."""
        sent = [one.refusal.since for one in self.tracks if one.refusal]
        return (min(sent), max(sent)) if len(sent) == len(self.tracks) else None

    @property
    def statuses(self) -> tuple[int, ...]:
        """Return what the refusals were answered with."""
        return tuple(sorted({one.refusal.status for one in self.tracks if one.refusal}))

    @property
    def tried(self) -> int:
        """Return how many requests were sent, before and after."""
        return sum(len(one.tries) for one in self.tracks)


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of a measurement as a picture of its own, to stand under the others."""

    name: str
    window: Window
    height: int
    promised: float
    by_default: float | None
    groups: tuple[Group, ...]

    @property
    def accepted(self) -> tuple[int, int]:
        """Return how many requests were accepted after an ending, at either server."""
        counts = [group.accepted for group in self.groups]
        return min(least for least, _ in counts), max(most for _, most in counts)


@dataclass(frozen=True, slots=True)
class Strip:
    """The durations of one sample as dots; `p50` and `p95` are places as well."""

    name: str
    sample: Sample
    dots: tuple[tuple[float, int], ...]
    p50: float
    p95: float


def lane_of(name: str, window: Window) -> Lane:
    """Return the picture of a window."""
    y, groups = _PROMISE, []
    for place in (HERE, THERE):
        tracks = window.at(place)
        rows = tuple(_row(track, y + _HEAD + number * _ROW) for number, track in enumerate(tracks))
        groups.append(Group(place, y, rows, tracks))
        y += _HEAD + len(tracks) * _ROW + _GAP
    longer = window.by_default > window.promised
    return Lane(
        name,
        window,
        y,
        TIME.at(window.promised),
        TIME.at(window.by_default) if longer else None,
        tuple(groups),
    )


def _row(track: Track, y: int) -> Row:
    before = (one.since for one in track.tries if one.accepted and -TIME.BEFORE_MS <= one.since < 0)
    return Row(
        y,
        apart(map(TIME.at, before), _DOT),
        apart((TIME.at(one.since) for one in track.accepted), _DOT),
        TIME.at(track.refusal.since) if track.refusal else None,
    )


def strip_of(name: str, sample: Sample) -> Strip:
    """Return durations as dots, in a few rows by their order, so that many can be seen."""
    dots: list[tuple[float, int]] = []
    for row in range(_STRIP_ROWS):
        values = sample.values[row::_STRIP_ROWS]
        dots += [(place, row) for place in apart(map(DURATION.at, values), _FINE)]
    return Strip(name, sample, tuple(dots), DURATION.at(sample.p50), DURATION.at(sample.p95))


def strips(measurement: Measurement) -> list[tuple[str, list[Strip]]]:
    """Return every latency, by what was timed."""

    def of(pick: str) -> list[Strip]:
        return [strip_of(one.name, getattr(one.latency, pick)) for one in measurement.columns]

    unprotected = strip_of("no check at all", measurement.unprotected)
    return [
        ("A check of a credential that this process knows", of("warm")),
        ("A check of a credential that this process has not seen before", of("first")),
        ("A whole request over the loopback", [*of("request"), unprotected]),
    ]


def drawn(measurement: Measurement) -> dict[str, object]:
    """Return every picture of a measurement, and the axes, by the names that a page uses."""
    medians = [one.latency.request.p50 for one in measurement.columns]
    return {
        "time": TIME,
        "duration": DURATION,
        "pause_ms": PAUSE_MS,
        "pause_share": PAUSE_SHARE,
        "revoked": [lane_of(one.name, one.revocation) for one in measurement.columns],
        "demoted": [lane_of(one.name, one.staleness) for one in measurement.columns],
        "strips": strips(measurement),
        "claimed": [DURATION.at(one) for one in CLAIMED_NS],
        "medians_apart": max(medians) - min(medians),
    }

"""Times as people read them: how far away, and when exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from limen.lab.reading.values import seconds

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PARTS: Final = 2
# What `datetime` can say; a sender may have put any number into a claim.
_LAST: Final = 253_402_300_799_000


def span(seconds: int) -> str:
    """Return a span in its two largest units, such as `4 min 57 s`; `0 s` for none."""
    parts = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == _PARTS:
            break
    return " ".join(parts) or "0 s"


def iso(at: int) -> str | None:
    """Return a time in milliseconds in UTC, to the second; `None` if no calendar has it."""
    if not 0 <= at <= _LAST:
        return None
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def relative(at: int, now: int) -> str:
    """Return how far a time is away and when it is; both in milliseconds."""
    when = iso(at)
    if when is None:
        return "no date"
    distance = span(abs(at - now) // 1000)
    if distance == "0 s":
        return f"now ({when})"
    return f"in {distance} ({when})" if at > now else f"{distance} ago ({when})"


def offset(span_s: float) -> str:
    """Return a time in seconds from the beginning of a run, with its sign."""
    return f"\N{MINUS SIGN}{seconds(-span_s)}" if span_s < 0 else f"+{seconds(span_s)}"

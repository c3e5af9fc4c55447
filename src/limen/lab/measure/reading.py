"""How measured numbers read: as many digits as they are worth, and always with a unit."""

from __future__ import annotations

_SECOND_MS = 1_000.0
_MINUTE_S = 60
_US, _MS = 1e3, 1e6
_ONE_DIGIT = 10
_KILO = 1_000


def span(milliseconds: float) -> str:
    """Return a span of time that is given in milliseconds."""
    if abs(milliseconds) < _SECOND_MS:
        digits = 1 if abs(milliseconds) < _ONE_DIGIT and milliseconds % 1 else 0
        return f"{milliseconds:.{digits}f} ms"
    seconds = milliseconds / _SECOND_MS
    return f"{seconds:.1f} s" if seconds % 1 and seconds < _MINUTE_S else f"{seconds:.0f} s"


def since(milliseconds: float) -> str:
    """Return when something was, seen from an ending."""
    return f"{span(-milliseconds)} before" if milliseconds < 0 else f"{span(milliseconds)} after"


def duration(nanoseconds: float) -> str:
    """Return a duration that is given in nanoseconds."""
    value, unit = (nanoseconds / _MS, "ms") if nanoseconds >= _MS else (nanoseconds / _US, "µs")
    return f"{value:.1f} {unit}" if value < _ONE_DIGIT * 10 else f"{value:.0f} {unit}"


def octets(count: float) -> str:
    """Return an amount of octets, in decimal units."""
    for unit in ("bytes", "kB", "MB"):
        if count < _KILO or unit == "MB":
            break
        count /= _KILO
    return (
        f"{count:.0f} {unit}"
        if unit == "bytes" or count >= _ONE_DIGIT * 10
        else f"{count:.1f} {unit}"
    )

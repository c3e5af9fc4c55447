"""How a recorded value reads: by its kind alone, since nothing else is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.trace.event import Recorded

_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
_WHOLE_FROM_S = 120.0
_MILLISECOND_NS = 1_000_000
# Ids and key ids are longer; their first characters tell them apart, the evidence has all.
LONGEST_WORD = 24
CLIPPED_TO = 12


def shown(value: Recorded) -> str:
    """Return the text of a recorded value; an unknown kind is a `ValueError`."""
    kind = value["k"]
    if kind == "secret":
        label = value.get("label")
        return str(label) if label else "never recorded"
    if kind == "pii":
        return str(value["v"]) if "v" in value else "personal, masked"
    if kind == "duration_s":
        return seconds(float(value["v"]))
    if kind == "bytes":
        return f"{value['v']} bytes"
    if kind in ("public", "count"):
        return _word(value["v"])
    raise ValueError(f"a value of the kind {kind!r} cannot be shown")


def full(value: Recorded) -> str:
    """Return the text of a recorded value, and that of a word uncut."""
    if value["k"] == "public" and not isinstance(value["v"], bool):
        return str(value["v"])
    return shown(value)


def is_label(value: Recorded) -> bool:
    """Tell whether a value is a credential's label, such as `tok#1`."""
    return "label" in value


def seconds(span: float) -> str:
    """Return a span of time with its unit; negative spans lie in the past."""
    if span < 0:
        return f"{seconds(-span)} ago"
    if span < 1:
        return f"{round(span * 1000)} ms"
    if span > _WHOLE_FROM_S * 60:
        for size, unit in _UNITS:
            if span >= size:
                return f"{span / size:.1f} {unit}"
    return f"{span:.1f} s"


def milliseconds(duration_ns: int) -> str:
    """Return a measured duration in milliseconds."""
    return f"{duration_ns / _MILLISECOND_NS:.2f} ms"


def _word(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= LONGEST_WORD or " " in text else f"{text[:CLIPPED_TO]}…"

"""One meaning for what drivers return: what is text in one database is a date in another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_NO: Final = frozenset({"", "0", "f", "false", "no", "n", "off"})
# Seconds of today have ten digits, milliseconds thirteen.
_LEAST_MILLISECONDS: Final = 100_000_000_000


def text(value: object) -> str:
    """Return a value as text, the empty text for none."""
    return "" if value is None else str(value)


def truth(value: object) -> bool:
    """Tell whether a flag is set; a date counts as set."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)


def roles_in(value: object) -> frozenset[str]:
    """Return the words of a column of roles, which stand with commas between them."""
    return frozenset(one.strip() for one in text(value).split(","))


def moment(value: object) -> int | None:
    """Return a time in milliseconds, `None` if there is none that can be read."""
    if isinstance(value, str):
        return _written(value)
    if isinstance(value, datetime):
        return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value if value >= _LEAST_MILLISECONDS else value * 1000)
    return None


def _written(value: str) -> int | None:
    try:
        return moment(float(value) if value.isdecimal() else datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None

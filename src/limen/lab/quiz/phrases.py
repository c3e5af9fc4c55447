"""How questions put things: rows, lists of columns, statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.reading import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.lab.quiz.sheet import Sheet

STATUSES: Final = {
    200: "200: it is let in",
    401: "401: the credential is refused",
    403: "403: known, but not allowed",
    503: "503: nobody could tell",
}


def row_named(sheet: Sheet, row: int) -> str:
    """Return a row by its number and what happens there."""
    return f"row {row}: {words.PHASES[sheet.rows[row].phase][0]}"


def status_named(status: int) -> str:
    """Return a status with what it means here."""
    return STATUSES.get(status, str(status))


def one_of(names: Sequence[str], nobody: str) -> str:
    """Return a list in words."""
    if not names:
        return nobody
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def coded(names: Sequence[str]) -> list[str]:
    """Return names of columns, marked as such."""
    return [f"`{one}`" for one in names]

"""Why a row exists: its explanation, and where the standards say it, by the events' own words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.reading.words import PHASES
from limen.trace.event import REFERENCES

if TYPE_CHECKING:
    from limen.lab.reading.lanes import Row

_RFC: Final = re.compile(r"RFC(?P<number>\d+(bis)?)#(?P<section>[\d.]+)")
_NIST: Final = re.compile(r"NIST-(?P<number>[\w-]+)#(?P<section>[\d.]+)")
_ASVS: Final = re.compile(r"ASVS5-(?P<section>[\d.]+)")


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of a row, and the places of the standards that it follows from."""

    text: str
    references: tuple[str, ...]


def why(row: Row) -> Why:
    """Return why a row exists. Without an event of its own, its phase still has a reason."""
    events = [entry.event for cell in row.cells for entry in cell.entries]
    recorded = [name for event in events for name in event.references]
    names = dict.fromkeys(recorded or REFERENCES.get(row.phase, ()))
    return Why(PHASES[row.phase][1], tuple(reference(name) for name in names))


def reference(name: str) -> str:
    """Return a reference as people write it, such as `RFC 8725, section 3`."""
    if match := _RFC.fullmatch(name):
        return f"RFC {match['number']}, section {match['section']}"
    if match := _NIST.fullmatch(name):
        return f"NIST SP {match['number']}, section {match['section']}"
    if match := _ASVS.fullmatch(name):
        return f"OWASP ASVS 5.0, {match['section']}"
    return name

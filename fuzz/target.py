"""What a fuzz target is: octets go in, and either nothing happens or a promise was broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

# Judges one input. Whatever it raises is a finding.
Judge: TypeAlias = Callable[[bytes], None]


class Broken(AssertionError):
    """What was read does not keep what is promised of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader of foreign octets.

    `make` prepares the reader once and returns what judges each input. `seeds` are honest
    inputs to begin from, `words` what an input is likely to be made of.
    """

    name: str
    about: str
    make: Callable[[], Judge]
    seeds: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()


def promise(kept: object, what: str) -> None:
    """Raise `Broken` unless a promise is kept."""
    if not kept:
        raise Broken(what)

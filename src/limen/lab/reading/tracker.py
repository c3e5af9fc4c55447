"""The variable tracker: what each holder's variables say after every row, in four states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from limen.lab.reading.holders import IN_FLIGHT, Hands, Holder, holdings
from limen.lab.reading.spans import Span, spans_of
from limen.lab.reading.things import Held, Thing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.lab.run import Run

_CREDENTIALS: Final = (Thing.TOKEN, Thing.SESSION, Thing.REFRESH)
# What could be in a holder's hands. A variable that no column ever has is left out.
_VARIABLES: Final[Mapping[Holder, tuple[Thing, ...]]] = {
    Holder.SCRIPT: _CREDENTIALS,
    Holder.JAR: _CREDENTIALS,
    Holder.LOGIN: (Thing.EMAIL, Thing.PASSPHRASE, Thing.OUTCOME, *_CREDENTIALS),
    Holder.REQUEST: (*_CREDENTIALS, Thing.OUTCOME, Thing.PRINCIPAL),
    Holder.SERVER: (Thing.KEY, Thing.FEED),
    Holder.STORE: (Thing.HASH, Thing.ROW, Thing.DIGEST, Thing.REVOCATION),
    Holder.PHONE: _CREDENTIALS,
    Holder.STRANGER: _CREDENTIALS,
    Holder.ADMIN: _CREDENTIALS,
    Holder.THIEF: _CREDENTIALS,
}


_WITHHELD: Final[Mapping[Thing, str]] = {Thing.PASSPHRASE: "present, never recorded"}


@unique
class State(StrEnum):
    """What a variable can be. A value is shown; of the others, the word."""

    OUT = "not in scope"
    UNSET = "unset"
    VALUE = "value"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a variable is after a row: its state, and what it holds if that is a value."""

    state: State
    held: tuple[Held, ...] = ()

    @property
    def text(self) -> str:
        """Return it in words; a passphrase is there or not, and that is all."""
        return ", ".join(_WITHHELD.get(one.thing, one.text) for one in self.held) or self.state


@dataclass(frozen=True, slots=True)
class Track:
    """One variable over all rows, in one column or in several that agree."""

    columns: tuple[str, ...]
    spans: tuple[Span[Reading], ...]

    @property
    def ever(self) -> bool:
        """Whether it has a value after any row."""
        return any(span.value.state is State.VALUE for span in self.spans)

    def at(self, row: int) -> Reading:
        """Return what the variable is after a row."""
        return next(span.value for span in self.spans if span.first <= row <= span.last)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable, with a track for every column of the run."""

    thing: Thing
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The variables of one holder."""

    holder: Holder
    variables: tuple[Variable, ...]


def tracked(run: Run) -> tuple[Group, ...]:
    """Return the variables of a run by holder, over every row of the table."""
    held = holdings(run)
    groups = (Group(one, tuple(_variables(one, held))) for one in Holder)
    return tuple(group for group in groups if group.variables)


def _variables(holder: Holder, held: Mapping[str, Mapping[int, Hands]]) -> list[Variable]:
    variables = (Variable(thing, _tracks(holder, thing, held)) for thing in _VARIABLES[holder])
    return [one for one in variables if any(track.ever for track in one.tracks)]


def _tracks(
    holder: Holder, thing: Thing, held: Mapping[str, Mapping[int, Hands]]
) -> tuple[Track, ...]:
    alike: dict[tuple[Span[Reading], ...], list[str]] = {}
    for name, rows in held.items():
        alike.setdefault(_track(holder, thing, rows), []).append(name)
    return tuple(Track(tuple(names), spans) for spans, names in alike.items())


def _track(holder: Holder, thing: Thing, rows: Mapping[int, Hands]) -> tuple[Span[Reading], ...]:
    readings: dict[int, Reading] = {}
    had = False
    for number, hands in rows.items():
        things = tuple(one for one in hands.get(holder, ()) if one.thing is thing)
        if things:
            had = True
            readings[number] = Reading(State.VALUE, things)
        elif holder in IN_FLIGHT:
            readings[number] = Reading(State.UNSET if holder in hands else State.OUT)
        else:
            readings[number] = Reading(State.DESTROYED if had else State.UNSET)
    return spans_of(readings)

"""Who holds what after each row of the table: told by the trace, and by the store itself.

held = holdings(run)["jwt"][12]
[one.text for one in held.get(Holder.THIEF, ())]   # ["tok#1", "ref#1"]
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.lab.reading.custody import StoreInStep
from limen.lab.reading.lanes import align
from limen.lab.reading.things import Held, Thing, held_label
from limen.lab.reading.values import is_label, shown
from limen.lab.setups import Storage
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from limen.lab.reading.lanes import Row, Section
    from limen.lab.run import Column, Run
    from limen.trace import TraceEvent
    from limen.trace.event import Recorded


@unique
class Holder(StrEnum):
    """Whoever can hold something, in the order of the way it takes."""

    SCRIPT = "browser script storage"
    JAR = "browser cookie jar"
    LOGIN = "login request"
    REQUEST = "resource request"
    SERVER = "server process"
    STORE = "store"
    PHONE = "phone"
    STRANGER = "stranger"
    ADMIN = "administrator"
    THIEF = "thief"


Hands: TypeAlias = "Mapping[Holder, tuple[Held, ...]]"

# A browser tells where it keeps a thing; whoever else holds one is a place by itself.
_PEOPLE: Final[Mapping[str, Holder]] = {
    "phone": Holder.PHONE,
    "stranger": Holder.STRANGER,
    "admin": Holder.ADMIN,
    "thief": Holder.THIEF,
}
_KEPT_BY_SCRIPT: Final = frozenset({Storage.LOCAL.value, Storage.MEMORY.value})
_JUDGING: Final[Mapping[Phase, tuple[str, str, str]]] = {
    Phase.PASSWORD_VERIFY: ("passphrase", "right", "wrong"),
    Phase.CREDENTIAL_VALIDATE: ("credential", "valid", "not valid"),
    Phase.REVOCATION_CHECK: ("credential", "not revoked", "not accepted"),
    Phase.REFRESH: ("refresh token", "good", "not good"),
}
_ANSWERS: Final = frozenset({Phase.LOGIN_RESPOND, Phase.RESOURCE_RESPOND})
# They exist while a request is handled, so they are there or not, even with empty hands.
IN_FLIGHT: Final = frozenset({Holder.LOGIN, Holder.REQUEST})


def holdings(run: Run) -> Mapping[str, Mapping[int, Hands]]:
    """Return who holds what, by column and then by the number of the row, after that row.

    A holder that holds nothing is not named. A request is a holder until it is answered, and
    until then it is named.
    """
    sections = align(run)
    return {
        column.name: dict(_hands(column, place, sections))
        for place, column in enumerate(run.columns)
    }


def holders_of(held: Mapping[str, Mapping[int, Hands]]) -> tuple[Holder, ...]:
    """Return who holds anything at any time in any column, in order."""
    seen = {one for rows in held.values() for hands in rows.values() for one in hands}
    return tuple(one for one in Holder if one in seen)


def _hands(column: Column, place: int, sections: Iterable[Section]) -> Iterator[tuple[int, Hands]]:
    kept = _Kept()
    before = column.ledger[:1]
    for section in sections:
        store = StoreInStep(column, section, before)
        request = _InFlight(section, place)
        for index, row in enumerate(section.rows):
            for event in _events(row, place):
                kept.after(event)
            held = {
                **kept.hands,
                **request.after(index),
                Holder.STORE: store.after(index),
            }
            named = [one for one in Holder if held.get(one) or (one in held and one in IN_FLIGHT)]
            yield row.number, {one: held[one] for one in named}
        before = store.left


def _events(row: Row, place: int) -> list[TraceEvent]:
    return [entry.event for entry in row.cells[place].entries]


class _Kept:
    """What outlives a request: the clients' copies, and what the server process works with."""

    def __init__(self) -> None:
        self._parts: dict[Holder, dict[str, Held]] = {}

    @property
    def hands(self) -> dict[Holder, tuple[Held, ...]]:
        return {one: tuple(dict.fromkeys(parts.values())) for one, parts in self._parts.items()}

    def after(self, event: TraceEvent) -> None:
        """Take what one event says."""
        if event.phase is Phase.CLIENT_STORE:
            self._at(_keeper(event)).update(_labelled(event.outcome))
        elif event.phase is Phase.CLIENT_FORGET:
            person = _PEOPLE.get(event.client)
            for one in (Holder.JAR, Holder.SCRIPT) if person is None else (person,):
                for part in event.given:
                    self._at(one).pop(part, None)
        elif event.actor != "client":
            self._at(Holder.SERVER).update(_tools(event))

    def _at(self, holder: Holder) -> dict[str, Held]:
        return self._parts.setdefault(holder, {})


def _keeper(event: TraceEvent) -> Holder:
    person = _PEOPLE.get(event.client)
    if person is not None:
        return person
    place = event.outcome.get("holder", {}).get("v")
    return Holder.SCRIPT if place in _KEPT_BY_SCRIPT else Holder.JAR


def _tools(event: TraceEvent) -> Iterator[tuple[str, Held]]:
    """Yield what the process showed that it has: a key that it used, its copy of the log."""
    named = [event.outcome.get("kid"), *(c.detail for c in event.checks if c.name == "key")]
    for key in named:
        if key is not None and "v" in key:
            yield f"key {key['v']}", Held(Thing.KEY, f"key {shown(key)}")
    if any(one.effect == "AskFeed" for one in event.operations):
        yield "feed", Held(Thing.FEED, "copy of the revocation log")


class _InFlight:
    """What the requests of one step hold, from their first row to their answer."""

    def __init__(self, section: Section, place: int) -> None:
        self._rows = [_events(row, place) for row in section.rows]
        open_rows = [
            index
            for index, events in enumerate(self._rows)
            if any(_travels(event) for event in events)
        ]
        answered = [
            index
            for index, events in enumerate(self._rows)
            if any(event.phase in _ANSWERS for event in events)
        ]
        self._first = open_rows[0] if open_rows else len(self._rows)
        self._last = answered[-1] if answered else -1

    def after(self, index: int) -> dict[Holder, tuple[Held, ...]]:
        """Return what is in flight once the row has been taken."""
        if not self._first <= index <= self._last:
            return {}
        events = [event for row in self._rows[: index + 1] for event in row]
        signs_in = any(event.phase is Phase.LOGIN_RECEIVE for event in events)
        holder = Holder.LOGIN if signs_in else Holder.REQUEST
        held = dict.fromkeys(one for event in events for one in _carried(event))
        return {holder: tuple(held)}


def _travels(event: TraceEvent) -> bool:
    return event.actor != "client" or event.phase is Phase.CLIENT_ATTACH


def _carried(event: TraceEvent) -> Iterator[Held]:
    if not _travels(event):
        return
    if event.phase is Phase.LOGIN_RECEIVE:
        if "email" in event.given:
            yield Held(Thing.EMAIL, _address(event.given["email"]))
        if "password" in event.given:
            yield Held(Thing.PASSPHRASE, "passphrase")
    for value in (*event.given.values(), *event.outcome.values()):
        if is_label(value):
            yield held_label(value)
    yield from _judged(event)
    if "subject" in event.outcome:
        yield Held(Thing.PRINCIPAL, shown(event.outcome["subject"]))


def _address(value: Recorded) -> str:
    """Return the address that was made up for a run; a trace from elsewhere has a mask."""
    return str(value.get("v", shown(value)))


def _judged(event: TraceEvent) -> Iterator[Held]:
    """Yield what a request knows once its proof or its credential has been judged."""
    if event.phase not in _JUDGING or not event.checks:
        return
    failed = [one for one in event.checks if not one.ok]
    about, right, wrong = _JUDGING[event.phase]
    reasons = f" ({failed[-1].reason})" if failed and failed[-1].reason else ""
    yield Held(Thing.OUTCOME, f"{about} {wrong}{reasons}" if failed else f"{about} {right}")


def _labelled(values: Mapping[str, Recorded]) -> dict[str, Held]:
    return {part: held_label(value) for part, value in values.items() if is_label(value)}

"""What a cell of the table says in plain words: a few, composed from what its events recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.lab.reading.values import is_label, shown
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from limen.lab.reading.lanes import Cell, Entry
    from limen.trace import TraceEvent

Said: TypeAlias = Mapping[str, str]
NO_STEP: Final = "no step"
_CLIENT: Final = "client"
_LABEL: Final = re.compile(r"((?:tok|sid|ref)#\d+)")


def outcome_word(event: TraceEvent) -> str:
    """Return how a step came out in one word; a client only knows what it was answered."""
    if event.status != "ok":
        return event.status
    accepted = [check.ok for check in event.checks if check.name == "accepted"]
    if accepted:
        return "accepted" if all(accepted) else "refused"
    return "ok"


def word_of(cell: Cell) -> str:
    """Return how the last event of a cell came out, or that there is none."""
    return outcome_word(cell.entries[-1].event) if cell.entries else NO_STEP


def told(cell: Cell) -> tuple[str, ...]:
    """Return what a cell says, one text for each entry; why there is no step if there is none."""
    if cell.no_step is not None:
        return (f"{NO_STEP}: {cell.no_step}",)
    return tuple(_entry(entry) for entry in cell.entries)


def telling_of(event: TraceEvent) -> str:
    """Return what one event says."""
    said = [*_action(event), *_checks(event), *_store(event)]
    return "; ".join(said) or "done"


def labels_in(event: TraceEvent) -> tuple[str, ...]:
    """Return the credentials that an event names, by label."""
    values = (*event.given.values(), *event.outcome.values())
    return tuple(dict.fromkeys(shown(value) for value in values if is_label(value)))


def prints_of(events: Iterable[TraceEvent]) -> dict[str, str]:
    """Return the fingerprints of the credentials that some events name, by label."""
    values = (value for one in events for value in (*one.given.values(), *one.outcome.values()))
    return {shown(value): str(value["fp"]) for value in values if "fp" in value}


def pieces(text: str, prints: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Return a text in pieces, the labels in it with their fingerprints."""
    parts = _LABEL.split(text)
    return [(part, prints.get(part)) for part in parts if part]


def _entry(entry: Entry) -> str:
    alike = f" ({entry.count} times alike, this is the last)" if entry.count > 1 else ""
    return telling_of(entry.event) + alike


def _action(event: TraceEvent) -> Iterator[str]:
    """Yield what was done, where the phase alone does not say it."""
    labels = ", ".join(labels_in(event))
    if event.phase is Phase.LOGIN_RECEIVE:
        yield f"{_and(_PROOF.get(one, one) for one in event.given)} arrived"
    elif event.phase in _SAYINGS:
        said = {name: shown(value) for name, value in event.outcome.items()}
        yield from (one for one in _SAYINGS[event.phase](labels, said) if one)
    elif labels:
        yield labels


def _issued(labels: str, said: Said) -> tuple[str, ...]:
    return (f"{labels} made", f"signed with {said['alg']}" if "alg" in said else "not signed")


def _answered(_: str, said: Said) -> tuple[str, ...]:
    cookies = f"cookies set: {said['set-cookie']}" if "set-cookie" in said else ""
    by = f" by {said['carrier']}" if "carrier" in said else ""
    return (f"answered {said.get('status', 'without a status')}{by}", cookies)


def _kept(labels: str, said: Said) -> tuple[str, ...]:
    place = said.get("holder", "a place that is not named")
    return (f"{labels}: {place}" if place.startswith("copy") else f"{labels} kept in the {place}",)


_PROOF: Final = {"email": "the e-mail", "password": "the passphrase"}
_SAYINGS: Final[Mapping[Phase, Callable[[str, Said], tuple[str, ...]]]] = {
    Phase.PRELOGIN_DISCARD: lambda _, said: (f"sessions ended: {said.get('sessions', '0')}",),
    Phase.CREDENTIAL_ISSUE: _issued,
    Phase.LOGIN_RESPOND: _answered,
    Phase.RESOURCE_RESPOND: _answered,
    Phase.CLIENT_STORE: _kept,
    Phase.CLIENT_ATTACH: lambda labels, said: (
        f"{said.get('method', 'sent')} with {labels}",
        f"attached by: {said.get('by', 'hand')}",
    ),
    Phase.CLIENT_FORGET: lambda labels, _: (f"{labels} dropped",),
    Phase.CREDENTIAL_EXTRACT: lambda _, said: (f"from the {said.get('carrier', 'request')}",),
    Phase.PRINCIPAL_LOAD: lambda _, said: (f"from {said.get('source', 'the account')}",),
    Phase.CREDENTIAL_REVOKE: lambda _, said: (
        f"sessions ended: {said.get('sessions', 'none, the server keeps no row')}",
    ),
    Phase.REPLAY_BY_THIEF: lambda labels, said: (
        f"{labels} used",
        f"answered {said.get('status', 'nothing')}",
    ),
    Phase.LOGOUT_REQUEST: lambda _, __: ("asked to end this sign-in",),
}


def _checks(event: TraceEvent) -> Iterator[str]:
    if event.phase is Phase.REPLAY_BY_THIEF or not event.checks:
        return
    failed = [one for one in event.checks if not one.ok]
    if failed:
        yield from (
            f"{one.name}: no" + (f" ({one.reason})" if one.reason else "") for one in failed
        )
    else:
        count = len(event.checks)
        yield f"passed: {event.checks[0].name}" if count == 1 else f"{_all(count)} checks passed"


def _all(count: int) -> str:
    return "both" if count == 2 else f"all {count}"  # noqa: PLR2004 - English counts so


def _store(event: TraceEvent) -> Iterator[str]:
    if event.actor == _CLIENT:
        return
    counted = [
        f"{count} {what}{'' if count == 1 else 's'}"
        for count, what in ((event.reads, "read"), (event.writes, "write"))
        if count
    ]
    if counted:
        yield f"store: {_and(counted)}"
    elif event.phase in (Phase.CREDENTIAL_ISSUE, Phase.CREDENTIAL_VALIDATE):
        yield "store not asked"


def _and(parts: Iterable[str]) -> str:
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last

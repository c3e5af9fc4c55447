"""The concept in five points, each a sentence a column that this run's measurements fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from limen.lab.reading.answers import FIRST_REFUSAL
from limen.lab.reading.findings import finding_of
from limen.lab.reading.holders import Holder
from limen.lab.reading.insights import Asked, Moment, Said, answered
from limen.lab.reading.things import Thing
from limen.lab.reading.values import seconds
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.reading.table import Reading
    from limen.lab.recording.exchange import Exchange
    from limen.lab.run import Run

_CARRIERS: Final = frozenset({"cookie", "authorization"})


def snapshot_of(run: Run) -> tuple[Moment, ...]:
    """Return the five points of a run, each with a sentence for each column that has one."""
    return answered(run, _POINTS)


def _given(reading: Reading) -> Said:
    for one in reading.placed(Phase.CLIENT_STORE)[:1]:
        hands = reading.held[one.row]
        held = [each for place in (Holder.JAR, Holder.SCRIPT) for each in hands.get(place, ())]
        parts = []
        for each in held:
            token = (reading.column.tokens or {}).get(each.text)
            parts.append(
                f"{each.text}, a random id"
                if token is None
                else f"{each.text}, a signed token of {token.octets} bytes that says what was "
                "true when it was made"
            )
        return (f"{'; '.join(parts)}.", [one.row]) if parts else None
    return None


def _kept(reading: Reading) -> Said:
    for one in reading.placed(Phase.CLIENT_STORE)[:1]:
        hands = reading.held[one.row]
        store = [each.text for each in hands.get(Holder.STORE, ()) if each.thing is not Thing.HASH]
        process = [each.text for each in hands.get(Holder.SERVER, ())]
        text = f"In the store: {', '.join(store) or 'nothing about this sign-in'}."
        return text + (f" In the process: {', '.join(process)}." if process else ""), [one.row]
    return None


def _cost(reading: Reading) -> Said:
    usual = _usual_request(reading)
    if usual is None:
        return None
    events = [one for one in reading.column.events if one.request_id == usual.request_id]
    reads, writes = sum(one.reads for one in events), sum(one.writes for one in events)
    octets = _credential_octets(usual)
    rows = [
        one.row
        for one in reading.placed(Phase.CREDENTIAL_VALIDATE, Phase.REFRESH)
        if one.event.request_id == usual.request_id
    ]
    return f"Store reads: {reads}, writes: {writes}. On the wire: {octets} bytes.", rows


def _end(reading: Reading) -> Said:
    promised = reading.column.guarantees
    ends = [
        f"{seconds(span / 1000)} {what}"
        for span, what in ((promised.idle, "without use"), (promised.absolute, "in all"))
        if span is not None
    ]
    life = _life_of_token(reading)
    if life is not None:
        ends.insert(0, f"{seconds(life)} for the token")
    rows = reading.rows(Phase.CREDENTIAL_ISSUE)[:1]
    window = promised.revocation_window
    decision = f"within {seconds(window / 1000)}" if window else "with the next request"
    return f"By itself after {', '.join(ends)}. By decision {decision}.", rows


def _balance(reading: Reading) -> Said:
    usual = _usual_request(reading)
    if usual is None or reading.table.run.plot.ending is None:
        return None
    finding = finding_of(reading.column)
    reads = reading.column.guarantees.store_reads_per_request
    seen = finding.access
    if seen.refused_after is None:
        more = f" and could for {seconds(seen.accepted_for)} more" if seen.accepted_for else ""
        got = f"a copy still worked {seconds(seen.watched)} after the ending{more}"
    else:
        got = f"a copy was refused {seconds(seen.refused_after)} after the ending"
    asked = "no store read" if reads == 0 else f"{reads} store read" + ("s" if reads > 1 else "")
    rows = reading.rows(Phase.REPLAY_BY_THIEF)[:1]
    return f"Paid: {asked} and {_credential_octets(usual)} bytes a request. Got: {got}.", rows


def _usual_request(reading: Reading) -> Exchange | None:
    """Return the first request that was answered because of a credential."""
    judged = {
        one.request_id
        for one in reading.column.events
        if one.phase is Phase.CREDENTIAL_VALIDATE and one.status == "ok"
    }
    answered = (
        one
        for one in reading.column.exchanges
        if one.request_id in judged and one.method == "GET" and one.status < FIRST_REFUSAL
    )
    return next(answered, None)


def _credential_octets(exchange: Exchange) -> int:
    return sum(line.octets for line in exchange.request.lines if line.name.lower() in _CARRIERS)


def _life_of_token(reading: Reading) -> int | None:
    for token in (reading.column.tokens or {}).values():
        made, ends = token.claims.get("iat"), token.claims.get("exp")
        if made is not None and ends is not None:
            return int(ends["v"]) - int(made["v"])
    return None


_POINTS: Final[Mapping[str, tuple[str, Asked]]] = {
    "N1": ("What the client is given", _given),
    "N2": ("What the server keeps of it", _kept),
    "N3": ("What one request costs", _cost),
    "N4": ("How it ends", _end),
    "N5": ("What is paid, and what is got for it", _balance),
}

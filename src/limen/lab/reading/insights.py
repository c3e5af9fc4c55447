"""The key moments of a run: six questions, answered for each column by its own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.guarantees import RevocationCheck
from limen.lab.reading.findings import finding_of
from limen.lab.reading.holders import Hands, Holder
from limen.lab.reading.table import Reading, readings_of
from limen.lab.reading.telling import labels_in
from limen.lab.reading.things import Thing
from limen.lab.reading.values import seconds
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from limen.lab.run import Run

_COPIES: Final = (Thing.TOKEN, Thing.SESSION)
_WHY: Final[Mapping[RevocationCheck, str]] = {
    RevocationCheck.EXPIRY: "nothing is asked before the token expires",
    RevocationCheck.FEED: "each request asks the feed, this process's copy of the revocation log",
    RevocationCheck.STORE: "each request asks the store, with no cache in front",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rows of one column answer, or of several that answer alike."""

    columns: tuple[str, ...]
    text: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One question, and the answers of the columns that this run lets answer it."""

    id: str
    question: str
    answers: tuple[Answer, ...]


Said: TypeAlias = "tuple[str, Iterable[int]] | None"
Asked: TypeAlias = Callable[[Reading], Said]


def moments_of(run: Run) -> tuple[Moment, ...]:
    """Return the questions of a run that at least one of its columns answers."""
    return answered(run, _QUESTIONS)


def answered(run: Run, questions: Mapping[str, tuple[str, Asked]]) -> tuple[Moment, ...]:
    """Put questions to every column of a run; those that none can answer are left out."""
    readings = readings_of(run)
    moments = (
        Moment(name, question, tuple(_answers(asked, readings)))
        for name, (question, asked) in questions.items()
    )
    return tuple(moment for moment in moments if moment.answers)


def _answers(asked: Asked, readings: Iterable[Reading]) -> Iterator[Answer]:
    alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for reading in readings:
        answer = asked(reading)
        if answer is not None:
            text, rows = answer
            alike.setdefault((text, tuple(dict.fromkeys(rows))), []).append(reading.column.name)
    for (text, rows), columns in alike.items():
        yield Answer(tuple(columns), text, rows)


def _what_it_tells(reading: Reading) -> Said:
    issued = reading.placed(Phase.CREDENTIAL_ISSUE)
    for one in issued[:1]:
        label = ", ".join(labels_in(one.event))
        token = (reading.column.tokens or {}).get(label)
        if token is None:
            return f"{label} is a random id: by itself it tells nothing.", [one.row]
        claims = ", ".join(token.claims)
        readable = f"{label}, {token.octets} bytes: whoever holds it can read {claims}."
        return f"{readable} Nobody but the holder of the key can change them.", [one.row]
    return None


def _what_is_checked(reading: Reading) -> Said:
    for one in reading.placed(Phase.CREDENTIAL_VALIDATE):
        names = [check.name for check in one.event.checks]
        if not all(check.ok for check in one.event.checks) or not names:
            continue
        reads = one.event.reads
        if "signature" in names:
            others = ", ".join(name for name in names if name != "signature")
            text = f"The signature, and {len(names) - 1} more: {others}. Store reads: {reads}."
        else:
            text = f"No signature, {len(names)} checks: {', '.join(names)}. Store reads: {reads}."
        return text, [one.row]
    return None


def _who_keeps_what(reading: Reading) -> Said:
    for row in reading.rows(Phase.CLIENT_STORE)[:1]:
        hands = reading.held[row]
        client = _texts(hands, Holder.JAR, Holder.SCRIPT)
        store = _texts(hands, Holder.STORE, but=Thing.HASH)
        nothing = "nothing about this sign-in"
        return f"The client: {client or 'nothing'}. The store: {store or nothing}.", [row]
    return None


def _until_when(reading: Reading) -> Said:
    rows = reading.rows(Phase.REPLAY_BY_THIEF)
    if reading.table.run.plot.ending is None or not rows:
        return None
    seen = finding_of(reading.column).access
    if seen.refused_after is not None:
        return f"No longer: refused {seconds(seen.refused_after)} after the ending.", rows[:1]
    more = f", and for up to {seconds(seen.accepted_for)} more" if seen.accepted_for else ""
    tries = f"{seen.accepted} of {len(seen.statuses)} requests"
    return f"Accepted in {tries} over {seconds(seen.watched)} after the ending{more}.", rows[:1]


def _how_soon(reading: Reading) -> Said:
    rows = (*reading.rows(Phase.CREDENTIAL_REVOKE)[:1], *reading.rows(Phase.REPLAY_BY_THIEF)[:1])
    if reading.table.run.plot.ending is None or not rows:
        return None
    finding, why = finding_of(reading.column), _WHY[reading.column.guarantees.check]
    promised = seconds(finding.promised) if finding.promised else "the next request"
    seen = finding.access
    if seen.refused_after is None:
        measured = f"not within the {seconds(seen.watched)} that were watched"
    else:
        count = len(seen.statuses)
        measured = f"on request {count} after it, at {seconds(seen.refused_after)}"
    return f"Measured: {measured}. Promised: {promised}. Why: {why}.", rows


def _as_good_as_the_original(reading: Reading) -> Said:
    for row, hands in reading.held.items():
        copies = [one for one in hands.get(Holder.THIEF, ()) if one.thing in _COPIES]
        if not copies:
            continue
        for one in reading.placed(Phase.CREDENTIAL_VALIDATE):
            known = {value.get("fp") for value in one.event.given.values()}
            copy = next((held for held in copies if held.fingerprint in known), None)
            if copy is not None and one.row > row and one.event.status == "ok":
                by = "the thief" if one.event.client == Holder.THIEF.value else "its owner"
                used = f"{copy.text} was valid when {by} used it, and the thief held the same one"
                return f"{used}: the server cannot tell the two apart.", [row, one.row]
    return None


def _texts(hands: Hands, *holders: Holder, but: Thing | None = None) -> str:
    held = (one for holder in holders for one in hands.get(holder, ()) if one.thing is not but)
    return ", ".join(one.text for one in held)


_QUESTIONS: Final[Mapping[str, tuple[str, Asked]]] = {
    "K1a": ("What does the credential tell whoever holds it?", _what_it_tells),
    "K1b": ("Is checking the signature enough?", _what_is_checked),
    "K1c": ("What does the client keep, and what the server?", _who_keeps_what),
    "K2a": ("For how long does a stolen credential work?", _until_when),
    "K2b": ("How soon does ending the sign-in take effect?", _how_soon),
    "K2c": ("Is a stolen session id any safer than a stolen token?", _as_good_as_the_original),
}

"""What a signed token says, with its times as people read them, and how it was verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.reading.moments import relative
from limen.lab.reading.values import full
from limen.phase import Phase

if TYPE_CHECKING:
    from limen.lab.recording.exchange import Exchange, Message, Token
    from limen.lab.run import Column
    from limen.trace import TraceEvent
    from limen.trace.event import Recorded, RecordedCheck

# What each member means, in words; the first three stand in the header.
MEANINGS: Final[Mapping[str, str]] = {
    "alg": "how it is signed; the server compares it with its key's and does not obey it",
    "kid": "which key signed it",
    "typ": "what kind of token it is, so that no other kind can stand in for it",
    "iss": "who signed it",
    "aud": "who it is for",
    "sub": "whom it speaks of",
    "sid": "the session it belongs to; a name, which opens nothing",
    "jti": "its own number",
    "iat": "when it was signed",
    "iat_ms": "the same, to the millisecond",
    "nbf": "not good before",
    "exp": "good until",
    "auth_time": "when the passphrase was checked",
    "amr": "how the person proved who they are",
    "roles": "what they may do, as it was when it was signed",
    "scope": "what it is good for",
    "client_id": "the application it was given to",
}
_SECONDS: Final = frozenset({"iat", "nbf", "exp", "auth_time"})
_MILLISECONDS: Final = frozenset({"iat_ms"})
_VERIFYING: Final = (
    Phase.CREDENTIAL_EXTRACT,
    Phase.CSRF_CHECK,
    Phase.CREDENTIAL_VALIDATE,
    Phase.REVOCATION_CHECK,
    Phase.REFRESH,
    Phase.AUTHZ_DECIDE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One member of a token: its value as text, `not recorded` where its name is not listed."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TokenCard:
    """A token as anybody can read it who holds it, at the time of one request."""

    label: str
    octets: int
    header: tuple[Statement, ...]
    claims: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """The checks of one request by phase, in order; `stopped` is the one that refused it."""

    phases: tuple[tuple[Phase, tuple[RecordedCheck, ...]], ...]
    stopped: RecordedCheck | None


def labels_in(message: Message) -> tuple[str, ...]:
    """Return the labels of the credentials in a message, each once, in order."""
    pieces: list[object] = [piece for line in message.lines for piece in line.pieces]
    pieces += message.body.members.values() if message.body else ()
    found = [str(one["label"]) for one in pieces if isinstance(one, Mapping) and "label" in one]
    return tuple(dict.fromkeys(found))


def cards_of(column: Column, exchange: Exchange) -> tuple[TokenCard, ...]:
    """Return the tokens that a request or its answer carried."""
    tokens = column.tokens or {}
    labels = dict.fromkeys((*labels_in(exchange.request), *labels_in(exchange.answer)))
    return tuple(_card(one, tokens[one], exchange.at) for one in labels if one in tokens)


def verification_of(column: Column, request_id: str) -> Verification:
    """Return what the server checked of one request, from its trace."""
    events = [one for one in column.events if one.request_id == request_id]
    told = [one for one in events if one.phase in _VERIFYING and one.checks]
    return Verification(tuple((event.phase, event.checks) for event in told), stopped_at(events))


def stopped_at(events: list[TraceEvent]) -> RecordedCheck | None:
    """Return the last check of the server that failed for a reason, `None` if none did."""
    failed = [
        check
        for event in events
        for check in event.checks
        if event.actor == "server" and not check.ok and check.reason
    ]
    return failed[-1] if failed else None


def _card(label: str, token: Token, now: int) -> TokenCard:
    return TokenCard(
        label, token.octets, _statements(token.header, now), _statements(token.claims, now)
    )


def _statements(members: Mapping[str, Recorded | None], now: int) -> tuple[Statement, ...]:
    return tuple(
        Statement(name, _text(name, value, now), MEANINGS.get(name, ""))
        for name, value in members.items()
    )


def _text(name: str, value: Recorded | None, now: int) -> str:
    if value is None:
        return "not recorded"
    stated = value.get("v")
    if isinstance(stated, int) and not isinstance(stated, bool):
        if name in _SECONDS:
            return relative(stated * 1000, now)
        if name in _MILLISECONDS:
            return relative(stated, now)
    return full(value)

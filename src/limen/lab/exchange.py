"""One request and its answer as they crossed the wire, with every credential replaced.

What may be read is listed here by name: header fields, members of bodies and claims. A
credential becomes its label; anything that is not listed is counted and not recorded.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from limen.evidence import Count, Hidden, Personal, Public
from limen.secret import Secret

if TYPE_CHECKING:
    from limen.evidence import CredentialKind, Evidence
    from limen.trace.event import Recorded

# Text as it crossed the wire, a value that was replaced, or `None` where nothing is recorded.
Piece: TypeAlias = "str | Recorded | None"
Record: TypeAlias = "Callable[[Evidence], Recorded]"

SHOWN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "host",
        "origin",
        "retry-after",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "vary",
        "www-authenticate",
        "x-lab-client",
        "x-lab-request",
        "x-limen-carrier",
        "x-content-type-options",
    }
)
SHOWN_MEMBERS: Final = frozenset(
    {
        "account",
        "code",
        "emailVerified",
        "expiresAt",
        "id",
        "keys",
        "message",
        "of",
        "orders",
        "revokeOtherSessions",
        "redirect",
        "roles",
        "status",
        "success",
    }
)
PERSONAL_MEMBERS: Final = frozenset({"email", "name"})
_KINDS: Final[Mapping[str, CredentialKind]] = {
    "token": "token",
    "refreshToken": "refresh",
    "password": "password",
    "newPassword": "password",
    "currentPassword": "password",
}
SHOWN_CLAIMS: Final = frozenset(
    {
        "iss",
        "aud",
        "sub",
        "sid",
        "exp",
        "iat",
        "iat_ms",
        "nbf",
        "jti",
        "auth_time",
        "client_id",
        "scope",
    }
    | {"typ", "alg", "kid", "roles", "amr"}
)
HANDLE: Final = "ses_"
JSON_TYPE: Final = "application/json"
MAX_BODY_OCTETS: Final = 65_536
MAX_TEXT: Final = 300
# A body with a password is counted in steps of this many octets: its length would tell.
BUCKET_OCTETS: Final = 64
_JWT_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One header line; `octets` counts it with its separator and line end, as HTTP/1.1 has it."""

    name: str
    pieces: tuple[Piece, ...]
    octets: int

    def as_json(self) -> dict[str, object]:
        """Return the line as JSON values."""
        return {"name": self.name, "value": _json(self.pieces), "bytes": self.octets}


@dataclass(frozen=True, slots=True)
class Body:
    """What a message carried: its members by path, such as `user.email`.

    `octets` is rounded up to a multiple of 64 where `rounded`, since its exact length would
    tell that of a password.
    """

    media_type: str
    octets: int
    rounded: bool
    members: Mapping[str, Recorded | None]

    def as_json(self) -> dict[str, object]:
        """Return the body as JSON values."""
        return {
            "type": self.media_type,
            "bytes": self.octets,
            "rounded": self.rounded,
            "members": {name: None if v is None else dict(v) for name, v in self.members.items()},
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, its header lines in their order, its body."""

    start: str
    lines: tuple[Line, ...]
    body: Body | None

    @property
    def header_octets(self) -> int:
        """Return the octets of the first line, the header lines and the empty line after."""
        return len(self.start) + 2 + sum(line.octets for line in self.lines) + 2

    def as_json(self) -> dict[str, object]:
        """Return the message as JSON values."""
        return {
            "start": self.start,
            "headers": [line.as_json() for line in self.lines],
            "header_bytes": self.header_octets,
            "body": None if self.body is None else self.body.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Unsent:
    """A cookie that was in the jar and did not go along, and why."""

    cookie: str
    value: Recorded
    reason: str

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"cookie": self.cookie, "value": dict(self.value), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a simulated client and its answer. `at` is in milliseconds."""

    request_id: str
    client: str
    at: int
    method: str
    path: str
    status: int
    request: Message
    answer: Message
    unsent: tuple[Unsent, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the exchange as JSON values."""
        return {
            "request_id": self.request_id,
            "client": self.client,
            "at": self.at,
            "request": self.request.as_json(),
            "answer": self.answer.as_json(),
            "not_sent": [one.as_json() for one in self.unsent],
        }


@dataclass(frozen=True, slots=True)
class Token:
    """What anybody who holds a signed token can read in it; its signature is not kept.

    `None` stands for a member whose value is not recorded.
    """

    header: Mapping[str, Recorded | None]
    claims: Mapping[str, Recorded | None]
    octets: int

    def as_json(self) -> dict[str, object]:
        """Return the token as JSON values."""
        return {
            "header": {name: None if v is None else dict(v) for name, v in self.header.items()},
            "claims": {name: None if v is None else dict(v) for name, v in self.claims.items()},
            "bytes": self.octets,
        }


def lines_of(headers: Iterable[tuple[bytes, bytes]], record: Record) -> tuple[Line, ...]:
    """Return header lines with their credentials replaced; names as the server was given them."""
    lines = []
    for name, value in headers:
        text, shown = name.decode("latin-1"), value.decode("latin-1")
        pieces = _pieces(text.lower(), shown, record)
        lines.append(Line(text, pieces, len(name) + len(value) + 4))
    return tuple(lines)


def body_of(octets: bytes, media_type: str, record: Record) -> Body | None:
    """Return a body by the members that are listed; `None` for an empty one."""
    if not octets:
        return None
    members: dict[str, Recorded | None] = {}
    if media_type.partition(";")[0].strip() == JSON_TYPE and len(octets) <= MAX_BODY_OCTETS:
        try:
            members = dict(_members(json.loads(octets), "", record))
        except (ValueError, RecursionError):
            members = {}
    rounded = any(
        value is not None and value.get("kind") == "password" for value in members.values()
    )
    size = -(-len(octets) // BUCKET_OCTETS) * BUCKET_OCTETS if rounded else len(octets)
    return Body(media_type, size, rounded, members)


def without_length(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines with `content-length` not recorded."""
    return tuple(
        Line(line.name, (None,), line.octets) if line.name.lower() == "content-length" else line
        for line in lines
    )


def read_token(text: str, record: Record) -> Token | None:
    """Read a signed token without verifying it, as anybody can; `None` if it is none."""
    parts = text.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return Token(_claims(header, record), _claims(claims, record), len(text))


def kind_of(name: str, value: str) -> CredentialKind:
    """Return what a cookie or header holds, by its name and shape."""
    if "refresh" in name:
        return "refresh"
    return "token" if value.count(".") == _JWT_PARTS - 1 else "session"


def _pieces(name: str, value: str, record: Record) -> tuple[Piece, ...]:
    if name == "cookie":
        return tuple(_cookies(value, record))
    if name == "set-cookie":
        pair, semicolon, attributes = value.partition(";")
        return (*_pair(pair, record), semicolon + attributes[:MAX_TEXT])
    if name == "authorization":
        scheme, _, credential = value.partition(" ")
        held = Hidden(Secret(credential), kind_of("", credential))
        return (f"{scheme[:MAX_TEXT]} ", record(held))
    return (value[:MAX_TEXT],) if name in SHOWN_HEADERS else (None,)


def _cookies(value: str, record: Record) -> Iterable[Piece]:
    for number, pair in enumerate(value.split("; ")):
        if number:
            yield "; "
        yield from _pair(pair, record)


def _pair(pair: str, record: Record) -> tuple[Piece, ...]:
    name, equals, value = pair.partition("=")
    if not value:
        return (name[:MAX_TEXT] + equals,)
    if not name.endswith(("session_token", "refresh_token")):
        return (name[:MAX_TEXT] + equals, None)
    return (name[:MAX_TEXT] + equals, record(Hidden(Secret(value), kind_of(name, value))))


def _members(value: Any, path: str, record: Record) -> Iterable[tuple[str, Recorded | None]]:
    """Yield what stands where in a JSON value: only what is listed by name."""
    name = path.rpartition(".")[2]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _members(inner, f"{path}.{key}"[:MAX_TEXT].lstrip("."), record)
    elif isinstance(value, list):
        yield path, record(Count(len(value))) if name in SHOWN_MEMBERS else None
    else:
        yield path, _member(name, value, record)


def _member(name: str, value: Any, record: Record) -> Recorded | None:
    if isinstance(value, str) and name == "token" and value.startswith(HANDLE):
        return record(Public(value[:MAX_TEXT]))  # a name for the session, which opens nothing
    if isinstance(value, str) and name in _KINDS:
        kind = _KINDS[name]
        return record(Hidden(Secret(value), kind_of("", value) if kind == "token" else kind))
    if isinstance(value, str) and name in PERSONAL_MEMBERS:
        return record(Personal(value[:MAX_TEXT]))
    if value is None:
        return record(Public("null"))
    if name not in SHOWN_MEMBERS or not isinstance(value, str | int | bool):
        return None
    return record(Public(value[:MAX_TEXT] if isinstance(value, str) else value))


def _claims(values: Mapping[str, Any], record: Record) -> dict[str, Recorded | None]:
    return {name[:MAX_TEXT]: _claim(name, value, record) for name, value in values.items()}


def _claim(name: str, value: Any, record: Record) -> Recorded | None:
    if name not in SHOWN_CLAIMS:
        return None
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    return record(Public(value[:MAX_TEXT] if isinstance(value, str) else int(value)))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _json(pieces: tuple[Piece, ...]) -> list[object]:
    return [dict(one) if isinstance(one, Mapping) else one for one in pieces]

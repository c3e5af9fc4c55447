"""One request and its answer as they crossed the wire, with every credential replaced.

What may be read is listed by name in `limen.lab.recording.listed`. A credential becomes its label;
anything else that is not listed is counted and not recorded.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from limen.evidence import Count, Hidden, Personal, Public
from limen.lab.recording import listed
from limen.secret import Secret
from limen.session import HANDLE_PREFIX, REFRESH_PREFIX, SESSION_PREFIX

if TYPE_CHECKING:
    from limen.evidence import CredentialKind, Evidence
    from limen.trace.event import Recorded

# Text as it crossed the wire, a value that was replaced, or `None` where nothing is recorded.
Piece: TypeAlias = "str | Recorded | None"
Record: TypeAlias = "Callable[[Evidence], Recorded]"

JSON_TYPE: Final = "application/json"
MAX_BODY_OCTETS: Final = 65_536
MAX_TEXT: Final = 300
MAX_MEMBERS: Final = 100
MAX_NUMBER: Final = 2**53  # beyond it, readers of JSON differ (RFC 7493 section 2.2)
# A request that was not read whole is counted in steps of this many octets: its exact length
# could tell that of a password.
BUCKET_OCTETS: Final = 64
_JWT_PARTS: Final = 3
# What is a credential wherever it stands, in a path or in a name of a browser too.
_CREDENTIAL: Final = re.compile(
    rf"(?:{SESSION_PREFIX}|{REFRESH_PREFIX})[\w-]{{20,}}|eyJ[\w.-]{{20,}}"
)
_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


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

    `octets` is rounded up to a multiple of 64 where `rounded`, since the exact length of
    what was not read could tell that of a password.
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
    """A request or an answer: its first line, its header lines in their order, its body.

    `start_octets` counts the first line with its line end.
    """

    start: str
    start_octets: int
    lines: tuple[Line, ...]
    body: Body | None

    @property
    def header_octets(self) -> int:
        """Return the octets of the first line, the header lines and the empty line after."""
        return self.start_octets + sum(line.octets for line in self.lines) + 2

    @property
    def octets(self) -> int:
        """Return all octets; those of the body may be rounded."""
        return self.header_octets + (self.body.octets if self.body else 0)

    def as_json(self) -> dict[str, object]:
        """Return the message as JSON values."""
        return {
            "start": self.start,
            "start_bytes": self.start_octets,
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
        text = name.decode("latin-1")
        pieces = _pieces(text.lower(), value.decode("latin-1"), record)
        lines.append(Line(plain(text), pieces, len(name) + len(value) + 4))
    return tuple(lines)


def body_of(
    kept: bytes, media_type: str, record: Record, *, octets: int, asked: bool = False
) -> Body | None:
    """Return a body by the members that are listed; `None` for an empty one.

    `kept` is the beginning of the `octets` that there were. The size of a request's body
    (`asked`) is rounded unless all of it could be read.
    """
    if not octets:
        return None
    found: list[tuple[str, Recorded | None]] | None = None
    if media_type.partition(";")[0].strip() == JSON_TYPE and octets <= MAX_BODY_OCTETS:
        try:
            found = list(_members(json.loads(kept), "", record))
        except (ValueError, RecursionError):
            found = None
    rounded = asked and not (found is not None and _is_whole(found))
    size = -(-octets // BUCKET_OCTETS) * BUCKET_OCTETS if rounded else octets
    return Body(plain(media_type), size, rounded, dict((found or [])[:MAX_MEMBERS]))


def _is_whole(found: list[tuple[str, Recorded | None]]) -> bool:
    """Tell whether nothing of a body is withheld."""
    read = all(value is not None and value.get("kind") != "password" for _, value in found)
    return read and len(dict(found)) == len(found) <= MAX_MEMBERS


def without_length(lines: tuple[Line, ...], body: Body) -> tuple[Line, ...]:
    """Return the lines with `content-length` not recorded, and counted for the rounded body."""
    name = "content-length"
    octets = len(f"{name}: {body.octets}\r\n")
    return tuple(
        Line(line.name, (None,), octets) if line.name.lower() == name else line for line in lines
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
    if "refresh" in name or value.startswith(REFRESH_PREFIX):
        return "refresh"
    return "token" if value.count(".") == _JWT_PARTS - 1 else "session"


def plain(text: str) -> str:
    """Return what can be printed of a text that somebody else chose, cut to a length.

    A credential that stands where none should is left out, whole, before anything is cut.
    """
    kept = _CREDENTIAL.sub("…", text)[:MAX_TEXT]
    return "".join(one if one.isprintable() else _UNPRINTABLE for one in kept)


def _pieces(name: str, value: str, record: Record) -> tuple[Piece, ...]:
    if name == "cookie":
        return tuple(_cookies(value, record))
    if name == "set-cookie":
        pair, semicolon, attributes = value.partition(";")
        return (*_pair(pair, record), *(_attributes(attributes) if semicolon else ()))
    if name == "authorization":
        scheme, space, credential = value.partition(" ")
        if not space or scheme.lower() not in listed.SCHEMES:
            return (None,)
        return (f"{scheme} ", record(Hidden(Secret(credential), kind_of("", credential))))
    return (plain(value),) if name in listed.HEADERS else (None,)


def _cookies(value: str, record: Record) -> Iterable[Piece]:
    for number, pair in enumerate(value.split("; ")):
        if number:
            yield "; "
        yield from _pair(pair, record)


def _pair(pair: str, record: Record) -> tuple[Piece, ...]:
    """Return a cookie's name and the label of its value; one that is not listed has neither."""
    name, equals, value = pair.partition("=")
    if not equals or not name.endswith(listed.COOKIES):
        return (None,)
    if not value:
        return (plain(name) + equals,)
    return (plain(name) + equals, record(Hidden(Secret(value), kind_of(name, value))))


def _attributes(text: str) -> tuple[Piece, ...]:
    """Return what follows the value of a `Set-Cookie`, if all of it is listed."""
    names = {one.partition("=")[0].strip().lower() for one in text.split(";")}
    return (f";{plain(text)}",) if names <= listed.ATTRIBUTES else (";", None)


def _members(value: Any, path: str, record: Record) -> Iterable[tuple[str, Recorded | None]]:
    """Yield what stands where in a JSON value: only what is listed by name."""
    name = path.rpartition(".")[2]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _members(inner, plain(f"{path}.{key}".lstrip(".")), record)
    elif isinstance(value, list):
        yield path, record(Count(len(value))) if name in listed.MEMBERS else None
    else:
        yield path, _member(name, value, record)


def _member(name: str, value: Any, record: Record) -> Recorded | None:
    if isinstance(value, str) and name in listed.CREDENTIALS:
        return record(_credential(listed.CREDENTIALS[name], value))
    if isinstance(value, str) and name in listed.PERSONAL_MEMBERS:
        return record(Personal(plain(value)))
    if value is None:
        return record(Public("null"))
    return _public(value, record) if name in listed.MEMBERS else None


def _credential(kind: CredentialKind, value: str) -> Evidence:
    """Return a credential as one; the handle of a session is a name and opens nothing."""
    if kind == "token" and value.startswith(HANDLE_PREFIX) and "." not in value:
        return Public(plain(value))
    return Hidden(Secret(value), kind_of("", value) if kind == "token" else kind)


def _claims(values: Mapping[str, Any], record: Record) -> dict[str, Recorded | None]:
    shown = list(values.items())[:MAX_MEMBERS]
    return {
        plain(name): _public(value, record) if name in listed.CLAIMS else None
        for name, value in shown
    }


def _public(value: Any, record: Record) -> Recorded | None:
    """Return a text, a number or a list of texts; whatever else a sender made up is not kept."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        return record(Public(plain(value)))
    if not isinstance(value, int) or abs(value) > MAX_NUMBER:
        return None
    return record(Public(value))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _json(pieces: tuple[Piece, ...]) -> list[object]:
    return [dict(one) if isinstance(one, Mapping) else one for one in pieces]

"""What a request says, read strictly and within limits; what it means is each wire's business.

Everything a client can send ends here in a value or in an exception of this module.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.web.asgi import Receive, Scope

MAX_BODY = 65_536  # octets; the largest honest body holds an image's address
MAX_DEPTH = 16  # no body of these protocols nests as deep
MAX_FIELDS = 64  # of a form or a query
FORM_TYPE = "application/x-www-form-urlencoded"


class Disconnected(Exception):
    """The client left before its body was complete."""


class TooLarge(Exception):
    """The body has more than `MAX_BODY` octets."""


class Unreadable(Exception):
    """What was sent is not what its type says."""


async def read(receive: Receive, headers: HeaderLines) -> bytes:
    """Read a body of at most `MAX_BODY` octets; raises `Disconnected` or `TooLarge`."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and len(value.lstrip(b"0")) > 0:
            stated = value.lstrip(b"0")
            if len(stated) > len(str(MAX_BODY)) or int(stated) > MAX_BODY:
                raise TooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise TooLarge
        if not message.get("more_body"):
            return bytes(body)


def is_framed_twice(headers: HeaderLines) -> bool:
    """Tell whether the length of a request is said twice, so that a proxy may read another."""
    return sum(name in (b"content-length", b"transfer-encoding") for name, _ in headers) > 1


def stated_type(headers: HeaderLines) -> str:
    """Return the `Content-Type` as it was sent; several lines are joined."""
    stated = b", ".join(value for name, value in headers if name == b"content-type")
    return stated.decode("latin-1")


def media_type(stated: str) -> str:
    """Return a media type without its parameters."""
    return stated.partition(";")[0].strip().lower()


def path_within(scope: Scope) -> str:
    """Return the path below the mount, the empty text for a spelling that hides a path.

    A proxy may judge the octets and we the text; so a path of ours has one spelling only.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and not raw.endswith(path.encode("utf-8", "surrogatepass")):
        return ""
    return path


def query_of(scope: Scope) -> dict[str, str | list[str]]:
    """Return the query, a list where a name occurs several times; raises `Unreadable`."""
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Unreadable from None
    query: dict[str, str | list[str]] = {}
    for name, value in pairs:
        held = query.get(name)
        if held is None:
            query[name] = value
        else:
            query[name] = [*held, value] if isinstance(held, list) else [held, value]
    return query


def parsed_json(octets: bytes) -> object:
    """Parse strictly (RFC 7493): UTF-8, one value for each name, numbers that are numbers.

    Raises `Unreadable`.
    """
    try:
        text = octets.decode("utf-8")
        if _too_deep(text):
            raise Unreadable
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable from None
    # A lone surrogate or a NUL is no text that anybody typed, and no store holds it.
    if "\\" in text and not _storable(value):
        raise Unreadable
    return value


def parsed_form(octets: bytes) -> dict[str, str]:
    """Parse a form in which each name occurs once; raises `Unreadable`."""
    try:
        text = octets.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        form = _object(list(pairs))
    except ValueError:
        raise Unreadable from None
    if not _storable(form):
        raise Unreadable
    return form


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _too_deep(text: str) -> bool:
    """Tell whether brackets outside texts nest deeper than `MAX_DEPTH`."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif not quoted and character in "}]":
            depth -= 1
    return False


def _storable(value: object) -> bool:
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
        case dict():
            return all(_storable(one) for pair in value.items() for one in pair)
        case list():
            return all(_storable(one) for one in value)
        case _:
            return True

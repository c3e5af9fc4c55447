"""Request bodies: how much is read, what parses, and what each endpoint takes.

Everything a client can send ends here in a value or in a 4xx; nothing is written before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias
from urllib.parse import parse_qsl

from limen.account import is_email
from limen.service.better_auth.wire import (
    INVALID_FORM,
    INVALID_JSON,
    JSON_TYPE,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_ERROR,
    Answer,
    Problem,
    json_answer,
)

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.web.asgi import Receive

MAX_BODY = 65_536  # octets; the largest honest body holds an image's address
MAX_DEPTH = 16  # no body of this protocol nests at all
MAX_FIELDS = 64  # of a form or a query
FORM_TYPE = "application/x-www-form-urlencoded"

Kind: TypeAlias = Literal["string", "email", "boolean"]
# What JavaScript calls the types of JSON; the messages name them.
_NAMES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


class Disconnected(Exception):
    """The client left before its body was complete."""


class _Absent:
    """Stands for a member that is not there; `None` is JSON's null."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a body. `least` and `most` are lengths in characters."""

    name: str
    kind: Kind = "string"
    required: bool = False
    nullable: bool = False
    least: int = 0
    most: int | None = None

    def issue(self, value: object) -> str | None:
        """Say what is wrong with a value, `None` if it will do."""
        if value is ABSENT and not self.required:
            return None
        if value is None and self.nullable:
            return None
        wanted = "boolean" if self.kind == "boolean" else "string"
        if _name_of(value) != wanted:
            return f"Invalid input: expected {wanted}, received {_name_of(value)}"
        return None if not isinstance(value, str) else self._issue_of_text(value)

    def _issue_of_text(self, text: str) -> str | None:
        if self.kind == "email" and not is_email(text.lower()):
            return "Invalid email address"
        if len(text) < self.least:
            return f"Too small: expected string to have >={self.least} characters"
        if self.most is not None and len(text) > self.most:
            return f"Too big: expected string to have <={self.most} characters"
        return None


@dataclass(frozen=True, slots=True)
class Body:
    """What an endpoint takes. Members without a `Field` are dropped.

    `required` says that a body must be there, `forms` that a HTML form may send it.
    """

    fields: tuple[Field, ...]
    required: bool = True
    forms: bool = False

    def judge(self, value: object) -> Answer | None:
        """Answer 400 for a body that does not fit, listing every member that does not."""
        if value is ABSENT and not self.required:
            return None
        if not isinstance(value, dict):
            received = _name_of(value)
            issues = [f"[body] Invalid input: expected object, received {received}"]
        else:
            found = ((one, one.issue(value.get(one.name, ABSENT))) for one in self.fields)
            issues = [f"[body.{one.name}] {issue}" for one, issue in found if issue]
        if not issues:
            return None
        return Problem(400, VALIDATION_ERROR.code, "; ".join(issues)).answer()


async def read(receive: Receive, headers: HeaderLines) -> bytes | Answer:
    """Read a body of at most `MAX_BODY` octets; raises `Disconnected`."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and len(value.lstrip(b"0")) > 0:
            stated = value.lstrip(b"0")
            if len(stated) > len(str(MAX_BODY)) or int(stated) > MAX_BODY:
                return PAYLOAD_TOO_LARGE.answer()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return PAYLOAD_TOO_LARGE.answer()
        if not message.get("more_body"):
            return bytes(body)


def parse(octets: bytes, headers: HeaderLines, body: Body | None) -> object:
    """Return what a body says, `ABSENT` if there is none, an `Answer` if it says nothing."""
    if not octets:
        return ABSENT
    stated = b", ".join(value for name, value in headers if name == b"content-type")
    media_type = stated.decode("latin-1").partition(";")[0].strip().lower()
    forms = body is not None and body.forms
    if media_type == JSON_TYPE:
        return _parsed_json(octets)
    if forms and media_type == FORM_TYPE:
        return _parsed_form(octets)
    return _unsupported(stated.decode("latin-1"), forms=forms)


def _unsupported(stated: str, *, forms: bool) -> Answer:
    what = f'Content-Type "{stated}" is not allowed' if stated else "Content-Type is required"
    allowed = f"{JSON_TYPE}, {FORM_TYPE}" if forms else JSON_TYPE
    message = f"{what}. Allowed types: {allowed}"
    return json_answer(
        {"message": message, "code": UNSUPPORTED_MEDIA_TYPE.code}, UNSUPPORTED_MEDIA_TYPE.status
    )


def _parsed_json(octets: bytes) -> object:
    """Parse strictly (RFC 7493): UTF-8, one value for each name, numbers that are numbers."""
    try:
        text = octets.decode("utf-8")
        if _too_deep(text):
            return INVALID_JSON.answer()
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        # A lone surrogate or a NUL is no text that anybody typed, and no store holds it.
        if "\\" in text and not _storable(value):
            return INVALID_JSON.answer()
    except (ValueError, RecursionError):
        return INVALID_JSON.answer()
    return value


def _parsed_form(octets: bytes) -> object:
    try:
        text = octets.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        form = _object(list(pairs))
    except ValueError:
        return INVALID_FORM.answer()
    return form if _storable(form) else INVALID_FORM.answer()


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


def _name_of(value: object) -> str:
    return "undefined" if value is ABSENT else _NAMES[type(value)]

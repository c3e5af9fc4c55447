"""Request bodies: how much is read, what parses, and what each endpoint takes.

Everything a client can send ends here in a value or in a 4xx; nothing is written before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from limen.account import is_email
from limen.service import incoming
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
from limen.service.incoming import FORM_TYPE, TooLarge, Unreadable

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.web.asgi import Receive

Kind: TypeAlias = Literal["string", "email", "boolean", "number", "texts", "map", "object"]
# What a value of a kind is in JSON; `map` has texts as its members.
WANTED: dict[Kind, str] = {"email": "string", "texts": "array", "map": "object"}
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


class _Absent:
    """Stands for a member that is not there; `None` is JSON's null."""


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a body. `least` and `most` are lengths in characters.

    `fields` are the members of an `object`.
    """

    name: str
    kind: Kind = "string"
    required: bool = False
    nullable: bool = False
    least: int = 0
    most: int | None = None
    fields: tuple[Field, ...] = ()

    def issues(self, value: object, within: str = "body") -> Iterator[str]:
        """Say what is wrong with a value and with what is in it, each with its place."""
        place = f"{within}.{self.name}"
        issue = self.issue(value)
        if issue is not None:
            yield f"[{place}] {issue}"
        elif isinstance(value, list):
            for number, one in enumerate(value):
                yield from Field(str(number), required=True, most=self.most).issues(one, place)
        elif isinstance(value, dict) and self.kind == "map":
            for name, one in value.items():
                yield from Field(name, required=True, most=self.most).issues(one, place)
        elif isinstance(value, dict):
            for one in self.fields:
                yield from one.issues(value.get(one.name, ABSENT), place)

    def issue(self, value: object) -> str | None:
        """Say what is wrong with a value, `None` if it will do."""
        if value is ABSENT and not self.required:
            return None
        if value is None and self.nullable:
            return None
        wanted = WANTED.get(self.kind, self.kind)
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
            found = (one.issues(value.get(one.name, ABSENT)) for one in self.fields)
            issues = [issue for issues in found for issue in issues]
        if not issues:
            return None
        return Problem(400, VALIDATION_ERROR.code, "; ".join(issues)).answer()


async def read(receive: Receive, headers: HeaderLines) -> bytes | Answer:
    """Read a body; raises `Disconnected`."""
    try:
        return await incoming.read(receive, headers)
    except TooLarge:
        return PAYLOAD_TOO_LARGE.answer()


def parse(octets: bytes, headers: HeaderLines, body: Body | None) -> object:
    """Return what a body says, `ABSENT` if there is none, an `Answer` if it says nothing."""
    if not octets:
        return ABSENT
    stated = incoming.stated_type(headers)
    media_type = incoming.media_type(stated)
    forms = body is not None and body.forms
    is_json = media_type == JSON_TYPE
    if not is_json and not (forms and media_type == FORM_TYPE):
        return _unsupported(stated, forms=forms)
    try:
        if is_json:
            return incoming.parsed_json(octets)
        return _typed(incoming.parsed_form(octets), body.fields if body is not None else ())
    except Unreadable:
        return (INVALID_JSON if is_json else INVALID_FORM).answer()


def _typed(form: dict[str, str], fields: Iterable[Field]) -> dict[str, object]:
    """Read the booleans of a form, in which everything is text."""
    words = {"true": True, "false": False}
    booleans = {one.name for one in fields if one.kind == "boolean"}
    return {
        name: words.get(text, text) if name in booleans else text for name, text in form.items()
    }


def _unsupported(stated: str, *, forms: bool) -> Answer:
    what = f'Content-Type "{stated}" is not allowed' if stated else "Content-Type is required"
    allowed = f"{JSON_TYPE}, {FORM_TYPE}" if forms else JSON_TYPE
    message = f"{what}. Allowed types: {allowed}"
    return json_answer(
        {"message": message, "code": UNSUPPORTED_MEDIA_TYPE.code}, UNSUPPORTED_MEDIA_TYPE.status
    )


def _name_of(value: object) -> str:
    return "undefined" if value is ABSENT else _NAMES[type(value)]

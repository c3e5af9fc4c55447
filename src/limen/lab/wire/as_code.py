"""A request of a run as a command or a script, with placeholders where its credentials were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from limen.lab.recording.listed import CREDENTIALS

if TYPE_CHECKING:
    from limen.lab.recording.exchange import Exchange, Line, Piece
    from limen.trace.event import Recorded

BASE: Final = "BASE"
PLACEHOLDERS: Final[Mapping[str, str]] = {
    "token": "TOKEN",
    "session": "COOKIE",
    "refresh": "REFRESH",
    "password": "PASSPHRASE",
}
NOT_RECORDED: Final = "NOT_RECORDED"
# What the client adds by itself, or what only counts the requests of this run.
_LEFT_OUT: Final = frozenset(
    {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "content-length",
        "x-lab-client",
        "x-lab-request",
    }
)


def as_curl(exchange: Exchange) -> str:
    """Return the request for a shell; `$BASE` and the credentials are variables to set."""
    address = _quoted(_Variable(BASE), exchange.path)
    parts = [f"curl --request {_quoted(exchange.method)} {address}"]
    parts += [
        f"--header {_quoted(line.name, ': ', *_texts(line.pieces))}" for line in _lines(exchange)
    ]
    body = _body(exchange)
    if body is not None:
        parts.append(f"--data {_quoted(*_json(body))}")
    return " \\\n  ".join(parts)


def as_httpx(exchange: Exchange) -> str:
    """Return the request for Python; credentials are read from the environment."""
    arguments = [repr(exchange.method), f"os.environ[{BASE!r}] + {exchange.path!r}"]
    headers = ", ".join(f"{one.name!r}: {_python(_texts(one.pieces))}" for one in _lines(exchange))
    if headers:
        arguments.append(f"headers={{{headers}}}")
    body = _body(exchange)
    if body is not None:
        arguments.append(f"content={_python(_json(body))}")
    call = ",\n    ".join(arguments)
    return f"import os\n\nimport httpx\n\nanswer = httpx.request(\n    {call},\n)"


class _Variable(str):
    """The name of a variable of the environment, among texts that stand for themselves."""

    __slots__ = ()


def _lines(exchange: Exchange) -> list[Line]:
    return [one for one in exchange.request.lines if one.name.lower() not in _LEFT_OUT]


def _texts(pieces: tuple[Piece, ...]) -> list[str]:
    return [one if isinstance(one, str) else _placeholder(one) for one in pieces]


def _placeholder(value: Recorded | None) -> _Variable:
    kind = "" if value is None else str(value.get("kind", ""))
    return _Variable(PLACEHOLDERS.get(kind, NOT_RECORDED))


def _body(exchange: Exchange) -> dict[str, Any] | None:
    """Return the members of a body as they stood in each other; `None` without a body."""
    body = exchange.request.body
    if body is None:
        return None
    stated: dict[str, Any] = {}
    for path, value in body.members.items():
        *outer, name = path.split(".")
        place = stated
        for one in outer:
            inner = place.setdefault(one, {})
            place = inner if isinstance(inner, dict) else place
        known = value is not None and "v" in value and name not in CREDENTIALS
        place[name] = value["v"] if known and value is not None else _placeholder(value)
    return stated


def _json(value: Any) -> list[str]:
    """Return JSON in parts, so that placeholders stay apart from what is quoted."""
    if isinstance(value, dict):
        inner: list[str] = ["{"]
        for number, (name, one) in enumerate(value.items()):
            inner += [", "] * bool(number) + [f"{_dumped(name)}: ", *_json(one)]
        return [*inner, "}"]
    if isinstance(value, _Variable):
        return ['"', value, '"']
    return [_dumped(value)]


def _dumped(value: object) -> str:
    return json.dumps(value)


def _quoted(*texts: str) -> str:
    """Return texts as one word of a shell, in which only variables stand for something else."""
    return '"' + "".join(_shell(one) for one in texts) + '"'


def _shell(text: str) -> str:
    if isinstance(text, _Variable):
        return f"${{{text}}}"
    return "".join(f"\\{one}" if one in '\\"$`' else one for one in text)


def _python(texts: list[str]) -> str:
    """Return texts as one expression of Python."""
    parts = []
    for variable, group in groupby(texts, lambda one: isinstance(one, _Variable)):
        joined = "".join(group)
        parts.append(f"os.environ[{joined!r}]" if variable else repr(joined))
    return " + ".join(parts) or repr("")

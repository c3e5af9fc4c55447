"""The requests of a column as a script of curl commands, with placeholders for every secret.

What an answer hands out, the script takes from the answer that it gets itself; so it can be
run against an application with the same settings.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.recording.exchange import Exchange, Message
    from limen.lab.run import Column, Run
    from limen.trace.event import Recorded

_SENT: Final = frozenset(
    {"authorization", "cookie", "content-type", "origin", "sec-fetch-site", "x-limen-carrier"}
)
# It becomes a part of an expression of sed, which has commands of its own.
_COOKIE: Final = re.compile(r"[\w.-]+=", re.ASCII)
_BEGINNING: Final = """\
#!/usr/bin/env bash
# {title}, under {settings}
# Needs bash, curl and sed, and an application in which the account has signed up. Nothing
# here is a secret: passphrases are asked for, and credentials are taken from the answers.
set -u
: "${{LIMEN_URL:=http://127.0.0.1:8000}}"
answer=$(mktemp -d)
trap 'rm -r "$answer"' EXIT

ask() {{  # name, what was answered in the run, method, URL, and what else curl takes
  local name=$1 before=$2 method=$3 url=$4 now
  shift 4
  now=$(curl -sS -o "$answer/body" -D "$answer/head" -w '%{{http_code}}' -X "$method" "$@" "$url")
  printf '%s: %s %s, in the run %s\\n' "$name" "$method" "$now" "$before"
}}
cookie() {{ sed -n "s/^[Ss]et-[Cc]ookie: $1=\\([^;]*\\).*/\\1/p" "$answer/head" | tail -n 1; }}
member() {{ sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p" "$answer/body" | tail -n 1; }}
"""


def curl_script(run: Run, column: Column) -> str:
    """Return the script of one column."""
    names, titles = _Names(), {one.name: one.title for one in run.plot.steps}
    used = {label for one in column.exchanges for label in _sent_with(one.request)}
    requests, step = [], None
    for exchange in column.exchanges:
        now = column.step_of.get(exchange.request_id, "-")
        if now != step:
            step = now
            requests += ["", f"# {_comment(titles.get(now, now))}"]
        requests.append(_request(exchange, names))
        requests += _taken(exchange.answer, names, used)
    beginning = _BEGINNING.format(
        title=_comment(run.plot.title), settings=_comment(column.setup.code)
    )
    return "\n".join([beginning, *names.asked_for(), *requests]) + "\n"


@dataclass(frozen=True, slots=True)
class _Variable:
    """A part of a word that the shell fills in."""

    name: str


_URL: Final = _Variable("LIMEN_URL")


class _Names:
    """The variables of the script: what has to be given, and what answers give."""

    def __init__(self) -> None:
        self._people: dict[str, str] = {}
        self._given: set[str] = set()
        self._missing: dict[str, None] = {}

    def of(self, value: Recorded) -> _Variable:
        """Return the variable for a value that is not in the trace itself."""
        if value["k"] == "pii":
            text = str(value.get("v", ""))
            name = self._people.setdefault(text, f"EMAIL_{len(self._people) + 1}")
        elif "label" in value:
            name = str(value["label"]).upper().replace("#", "_")
            if name not in self._given:
                self._missing[name] = None
        else:
            name = "PASSWORD"
            self._missing[name] = None
        return _Variable(name)

    def give(self, label: str) -> str:
        """Return the variable for a credential that an answer holds."""
        name = label.upper().replace("#", "_")
        self._given.add(name)
        return name

    def asked_for(self) -> Iterator[str]:
        """Yield the lines that set or ask for what no answer gives."""
        for text, name in self._people.items():
            if text:
                yield f"{name}={shlex.quote(text)}"
            else:
                yield f': "${{{name}:?it was masked in the trace}}"'
        for name in self._missing:
            what = "the passphrase" if name == "PASSWORD" else "a credential that no answer gave"
            yield f': "${{{name}:?{what}}}"'


def _request(exchange: Exchange, names: _Names) -> str:
    words = [
        "ask",
        _word(f"{exchange.request_id} {exchange.client}"),
        str(exchange.status),
        _word(exchange.method),
        _word(_URL, exchange.path),
        *_headers(exchange.request, names),
    ]
    if exchange.request.body is not None:
        words += ["--data-raw", _word(*_object(exchange.request.body.members, names))]
    return " ".join(words)


def _headers(message: Message, names: _Names) -> Iterator[str]:
    own = [("http://", *line.pieces) for line in message.lines if line.name.lower() == "host"]
    for line in message.lines:
        name = line.name.lower()
        if name == "origin" and [("".join(map(str, one)),) for one in own] == [line.pieces]:
            yield f"-H {_word('origin: ', _URL)}"
        elif name in _SENT:
            yield f"-H {_word(f'{name}: ', *(_part(one, names) for one in line.pieces))}"


def _part(piece: str | Recorded | None, names: _Names) -> str | _Variable:
    if piece is None:
        return "(not recorded)"
    return names.of(piece) if isinstance(piece, Mapping) else piece


def _object(members: Mapping[str, Recorded | None], names: _Names) -> Iterator[str | _Variable]:
    """Yield the parts of a JSON object; a value from a variable stands between its quotes."""
    yield "{"
    for number, (name, value) in enumerate(members.items()):
        yield f"{',' if number else ''}{json.dumps(name)}:"
        if value is None:
            yield "null"
        elif value["k"] in ("pii", "secret"):
            yield from ('"', names.of(value), '"')
        else:
            yield json.dumps(value["v"])
    yield "}"


def _word(*parts: str | _Variable) -> str:
    """Return one word of a command: text in quotes, variables in theirs."""
    merged: list[str | _Variable] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part:
            merged.append(part)
    return "".join(shlex.quote(one) if isinstance(one, str) else f'"${one.name}"' for one in merged)


def _sent_with(request: Message) -> Iterator[str]:
    """Yield the labels of the credentials that went along with a request."""
    pieces = [piece for line in request.lines for piece in line.pieces]
    for value in (*pieces, *(request.body.members.values() if request.body else ())):
        if isinstance(value, Mapping) and "label" in value:
            yield str(value["label"])


def _taken(answer: Message, names: _Names, used: set[str]) -> Iterator[str]:
    """Yield what takes those credentials out of an answer that are used later on."""
    members = answer.body.members if answer.body else {}
    found = [(members.get(name), f"$(member {name})") for name in ("token", "refreshToken")]
    for line in answer.lines:
        name = line.pieces[0] if line.name.lower() == "set-cookie" and line.pieces else None
        if isinstance(name, str) and _COOKIE.fullmatch(name):
            taking = f"$(cookie {_word(name.rstrip('='))})"
            found += [(one, taking) for one in line.pieces[1:] if isinstance(one, Mapping)]
    for value, taking in found:
        if value is not None and value.get("label") in used:
            yield f"{names.give(str(value['label']))}={taking}"


def _comment(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)

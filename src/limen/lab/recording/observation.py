"""Two ASGI layers around the application: who is asking, and what crossed the wire.

Limen traces its own steps. What an application sends is recorded here, outside
of everything, from the messages as the server gives and takes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from limen.evidence import Count, Hidden, Public, Size
from limen.lab.recording.canaries import Canaries
from limen.lab.recording.exchange import (
    MAX_BODY_OCTETS,
    Exchange,
    Token,
    Unsent,
    body_of,
    lines_of,
    plain,
    read_token,
    without_length,
)
from limen.lab.recording.exchange import Message as WireMessage
from limen.phase import Phase
from limen.secret import Secret
from limen.trace import traced_as

if TYPE_CHECKING:
    from limen import Limen
    from limen.evidence import Evidence
    from limen.lab.recording.exchange import Record
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send

CLIENT_HEADER = "x-lab-client"
REQUEST_HEADER = "x-lab-request"
CLIENTS = frozenset({"victim", "phone", "stranger", "thief", "admin"})
SIGN_IN = "/sign-in/"
BADGES = ("real", "as sent")
# Far more than a scenario makes.
MAX_EXCHANGES = 500
_REQUEST_ID = re.compile(r"r\d{1,3}")


def labels_of(scope: Scope) -> tuple[str, str]:
    """Return client and request id as the simulated client states them, `-` if it does not.

    Whoever finds the port could send these headers, so only known words are taken.
    """
    stated = dict(scope["headers"])
    client = stated.get(CLIENT_HEADER.encode(), b"").decode("latin-1")
    request_id = stated.get(REQUEST_HEADER.encode(), b"").decode("latin-1")
    return (
        client if client in CLIENTS else "-",
        request_id if _REQUEST_ID.fullmatch(request_id) else "-",
    )


@dataclass
class Wire:
    """What crossed the wire in one column, in the order of the answers.

    `canaries` are the secrets among it, which nothing that leaves the Lab may hold.
    """

    record: Record
    tokens: dict[str, Token] = field(default_factory=dict)
    _exchanges: list[Exchange] = field(default_factory=list)
    canaries: Canaries = field(default_factory=Canaries)
    _unsent: dict[str, tuple[Unsent, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.record = self.canaries.noting(self.record)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Return every exchange, each with the cookies that did not go along."""
        return tuple(
            replace(one, unsent=self._unsent.get(one.request_id, ())) for one in self._exchanges
        )

    @property
    def full(self) -> bool:
        """Whether there are as many exchanges as are kept; then nothing more is read either."""
        return len(self._exchanges) >= MAX_EXCHANGES

    def keep(self, exchange: Exchange) -> None:
        """Keep one exchange, as long as there are not too many."""
        if not self.full:
            self._exchanges.append(exchange)

    def left_behind(self, request_id: str, unsent: tuple[Unsent, ...]) -> None:
        """Note the cookies of a jar that did not go along with a request."""
        self._unsent[request_id] = unsent

    def read(self, text: str) -> None:
        """Read a credential that crossed the wire, if it is a signed token."""
        token = read_token(text, self.record)
        if token is not None:
            label = str(self.record(Hidden(Secret(text), "token"))["label"])
            self.tokens.setdefault(label, token)


class _Gathered:
    """A body as it comes in: all of it is counted, and the beginning is kept."""

    def __init__(self) -> None:
        self.kept = b""
        self.octets = 0

    def take(self, message: Message) -> None:
        part = message.get("body", b"")
        self.octets += len(part)
        self.kept += part[: MAX_BODY_OCTETS + 1 - len(self.kept)]


class Correlation:
    """Stands inside Limen's middleware and gives its events the client's request id."""

    def __init__(self, app: ASGIApp, run: str) -> None:
        self.app = app
        self.run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client, request_id = labels_of(scope)
        with traced_as(run=self.run, client=client, request_id=request_id):
            await self.app(scope, receive, send)


class Observation:
    """Stands outside and records what was asked and answered."""

    def __init__(self, app: ASGIApp, limen: Limen, run: str, wire: Wire) -> None:
        self.app = app
        self.limen = limen
        self.run = run
        self.wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client, request_id = labels_of(scope)
        asked, answered, head = _Gathered(), _Gathered(), dict[str, Any]()
        at = self.limen.assembly.clock.now()

        async def overheard() -> Message:
            message = await receive()
            asked.take(message)
            return message

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                signs_in = SIGN_IN in scope["path"]
                phase = Phase.LOGIN_RESPOND if signs_in else Phase.RESOURCE_RESPOND
                # Limen's own context, which is nearer, would name its own request id.
                with traced_as(client=client, request_id=request_id):
                    self._record(phase, _answered(message))
            else:
                answered.take(message)
                if client != "-" and not self.wire.full and not message.get("more_body", False):
                    self._keep(scope, (client, request_id, at), asked, head, answered)
            await send(message)

        with traced_as(run=self.run, client=client, request_id=request_id):
            await self.app(scope, overheard, recorded)

    def _record(self, phase: Phase, outcome: dict[str, Evidence]) -> None:
        strategy = self.limen.assembly.parts.primary.name
        self.limen.assembly.tracer.record(strategy, phase, outcome=outcome, badges=BADGES)

    def _keep(
        self,
        scope: Scope,
        labels: tuple[str, str, int],
        asked: _Gathered,
        head: Message,
        answered: _Gathered,
    ) -> None:
        client, request_id, at = labels
        record, path = self.wire.record, scope["path"]
        given, sent = list(scope["headers"]), list(head.get("headers", ()))
        for name, value in (*given, *sent):
            self._read_tokens(name.lower(), value.decode("latin-1"))
        body = body_of(asked.kept, _media_type(given), record, octets=asked.octets, asked=True)
        lines = lines_of(given, record)
        version = f"HTTP/{scope.get('http_version', '1.1')}"
        request = WireMessage(
            *_request_line(scope, version),
            without_length(lines, body) if body and body.rounded else lines,
            body,
        )
        path, method, status = plain(path), scope["method"], head["status"]
        line = f"{version} {status} {_phrase(status)}"
        answer = WireMessage(
            line,
            len(line) + 2,
            lines_of(sent, record),
            body_of(answered.kept, _media_type(sent), record, octets=answered.octets),
        )
        self.wire.keep(Exchange(request_id, client, at, method, path, status, request, answer))

    def _read_tokens(self, name: bytes, value: str) -> None:
        if name in (b"cookie", b"set-cookie"):
            pairs = value.partition(";")[0] if name == b"set-cookie" else value
            for pair in pairs.split("; "):
                self.wire.read(pair.partition("=")[2])
        elif name == b"authorization":
            self.wire.read(value.partition(" ")[2])


def _request_line(scope: Scope, version: str) -> tuple[str, int]:
    """Return the first line and its octets; a query is neither shown nor counted."""
    target = scope.get("raw_path") or scope["path"].encode()
    query = "?…" if scope["query_string"] else ""
    line = f"{scope['method']} {plain(target.decode('latin-1'))}{query} {version}"
    return line, len(f"{scope['method']}  {version}\r\n") + len(target)


def _phrase(status: int) -> str:
    """Return the words that the server puts behind a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _media_type(headers: list[tuple[bytes, bytes]]) -> str:
    stated = {name.lower(): value.decode("latin-1") for name, value in headers}
    return stated.get(b"content-type", "")


def _answered(message: Message) -> dict[str, Evidence]:
    headers = list(message.get("headers", ()))
    cookies = [value for name, value in headers if name.lower() == b"set-cookie"]
    stated = {name.lower(): value.decode("latin-1") for name, value in headers}
    answer: dict[str, Evidence] = {"status": Public(message["status"])}
    if b"www-authenticate" in stated:
        answer["www-authenticate"] = Public(stated[b"www-authenticate"])
    if cookies:
        answer["set-cookie"] = Count(len(cookies))
        answer["cookie bytes"] = Size(sum(len(line) for line in cookies))
        answer["attributes"] = Public(_attributes(cookies[0]))
    if b"cache-control" in stated:
        answer["cache-control"] = Public(stated[b"cache-control"])
    return answer


def _attributes(cookie: bytes) -> str:
    """Return what follows the value: how a browser is told to keep the cookie."""
    return "; ".join(part.strip() for part in cookie.decode("latin-1").split(";")[1:])

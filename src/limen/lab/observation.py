"""Two ASGI layers around the application: who is asking, and what crossed the wire.

Limen traces its own steps. What an application sends is recorded here, outside
of everything, from the answer as the server is given it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from limen.evidence import Count, Public, Size
from limen.phase import Phase
from limen.trace import traced_as

if TYPE_CHECKING:
    from limen import Limen
    from limen.evidence import Evidence
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send

CLIENT_HEADER = "x-lab-client"
REQUEST_HEADER = "x-lab-request"
CLIENTS = frozenset({"victim", "phone", "stranger", "thief"})
SIGN_IN = "/sign-in/"
BADGES = ("real", "as sent")
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
    """Stands outside and records what was answered."""

    def __init__(self, app: ASGIApp, limen: Limen, run: str) -> None:
        self.app = app
        self.limen = limen
        self.run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client, request_id = labels_of(scope)
        with traced_as(run=self.run, client=client, request_id=request_id):
            signs_in = SIGN_IN in scope["path"]
            phase = Phase.LOGIN_RESPOND if signs_in else Phase.RESOURCE_RESPOND

            async def recorded(message: Message) -> None:
                if message["type"] == "http.response.start":
                    # Limen's own context, which is nearer, would name its own request id.
                    with traced_as(client=client, request_id=request_id):
                        self._record(phase, _answered(message))
                await send(message)

            await self.app(scope, receive, recorded)

    def _record(self, phase: Phase, outcome: dict[str, Evidence]) -> None:
        strategy = self.limen.assembly.parts.primary.name
        self.limen.assembly.tracer.record(strategy, phase, outcome=outcome, badges=BADGES)


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

"""What every ASGI framework shares: a middleware.

The middleware opens and closes Limen with the application, gives each request a
`RequestAuth` and adds its cookies to the response. It decides nothing: a route that asks
nobody pays nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from limen.auditing import asked_by, asked_no_more
from limen.entropy import random_text
from limen.errors import LimenError, Overloaded, StoreUnavailable
from limen.trace.recorder import traced_as
from limen.web import elsewhere
from limen.web.closing import Closed, Socket, refuse
from limen.web.refusal import STORE_DOWN, Refusal, overloaded
from limen.web.request import REQUEST_ID_OCTETS, Edge, RequestAuth

if TYPE_CHECKING:
    from limen.authority import Limen

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("limen.web")

SCOPE_KEY = "limen.auth"
_NO_STORE = (b"cache-control", b"no-store")
_VARY = (b"vary", b"Cookie")  # whatever the application lets be kept, another person's is another


class AuthMiddleware:
    """Gives each request a `RequestAuth` and turns faults into 503. Pure ASGI."""

    def __init__(self, app: ASGIApp, auth: Limen) -> None:
        self.app = app
        self.auth = auth
        self.edge = Edge(auth)

    async def __call__(  # noqa: C901 - one frame for what every request passes
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if SCOPE_KEY in scope:  # an outer middleware serves this request already
            await self.app(scope, receive, send)
            return
        request_auth = scope[SCOPE_KEY] = RequestAuth(self.edge, scope)
        if scope["type"] == "websocket":
            socket = request_auth.held = Socket(receive, send)
            receive, send = socket.receive, socket.send
        started = False

        async def send_with_cookies(message: Message) -> None:
            nonlocal started, send
            if message["type"] in ("http.response.start", "websocket.accept"):
                if request_auth.parting:
                    await elsewhere.part(request_auth)
                if _add_headers(message, request_auth):
                    send = await request_auth.hold(send)
                started = True
            await send(message)

        assembly = self.auth.assembly
        request_id = random_text(assembly.entropy, REQUEST_ID_OCTETS) if assembly.traced else None
        asking = asked_by(request_auth)
        try:
            if not self.auth.is_open:
                await self.auth.open()
            if request_id is None:
                await self.app(scope, receive, send_with_cookies)
            else:
                with traced_as(request_id=request_id):
                    await self.app(scope, receive, send_with_cookies)
        except (StoreUnavailable, Overloaded) as fault:
            if started:
                raise
            # With the cookies: what was rotated before the fault must not be lost.
            await refuse(scope, _refusal_for(fault), send_with_cookies)
        except Closed:
            pass  # the application went on sending to a client that was cut off
        finally:
            asked_no_more(asking)
            if request_auth.held is not None:
                await request_auth.held.finish()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open before the application starts and close after it stopped.

        A mistake in the configuration must stop the server, so it is reported in the
        protocol's own way: some servers go on serving after an exception here.
        """
        startup = await receive()
        try:
            await self.auth.open()
        except LimenError as fault:
            await send({"type": "lifespan.startup.failed", "message": str(fault)})
            return
        waiting = [startup]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        async def closed_first(message: Message) -> None:
            # Servers end their event loop once they are told that the shutdown is complete.
            if message["type"].startswith("lifespan.shutdown."):
                await self.auth.close()
            await send(message)

        try:
            await self.app(scope, replayed, closed_first)
        finally:
            if self.auth.is_open:
                await self.auth.close()


def _add_headers(message: Message, request_auth: RequestAuth) -> bool:
    """Add what a response hands back; true if it is a stream to be watched over."""
    outgoing = request_auth.outgoing
    if not outgoing and not request_auth.consulted:
        return False
    headers = message.get("headers", ())
    stated = streams = varies = False
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"cache-control":
            stated = True
        elif lowered == b"content-type":
            streams = value.lower().startswith(b"text/event-stream")
        elif lowered == b"vary":
            varies = varies or b"cookie" in value.lower()
    if outgoing:
        # A cached Set-Cookie would sign somebody else in (ASVS 14.3.2).
        headers = [line for line in headers if line[0].lower() != b"cache-control"]
        stated = False
    said = ((_NO_STORE,) if not stated else ()) + ((_VARY,) if not varies else ())
    if said or outgoing:
        # Another list, for the application may send its own again.
        message["headers"] = [*headers, *said, *outgoing]
    return request_auth.is_to_be_held(streams=streams)


def _refusal_for(fault: StoreUnavailable | Overloaded) -> Refusal:
    if isinstance(fault, Overloaded):
        return overloaded(fault.retry_after)
    _log.warning("a request was refused with 503: %s", fault)
    return STORE_DOWN

"""What may not go on under ASGI: a request is refused, a socket closed, a stream ended."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from limen.connections import Connection, Ending
from limen.transports.browser import CLOSED
from limen.verdict import Reason, Refused
from limen.web.refusal import STORE_DOWN, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from limen.authority import Limen
    from limen.principal import Principal
    from limen.web.asgi import Message, Receive, Scope, Send

_log = logging.getLogger("limen.web")

# 4000 to 4999 are for applications (RFC 6455 section 7.4.2); 4401 is the 401 of WebSockets.
SIGNED_OUT: Final = 4401
TRY_AGAIN: Final = 1013  # IANA WebSocket close codes
_WORDS: Final = {
    Ending.SIGNED_OUT: (SIGNED_OUT, "Signed out"),
    Ending.UNKNOWN: (TRY_AGAIN, STORE_DOWN.detail),
}
# How long the last word to a client may take; one that reads nothing is not waited for.
LAST_WORD_S: Final = 5
# Messages after which nothing more follows, unless they say so.
_BODIES: Final = frozenset(
    {"http.response.body", "http.response.zerocopysend", "http.response.pathsend"}
)

P = ParamSpec("P")
T = TypeVar("T")


async def refuse(scope: Scope, refusal: Refusal, send: Send, code: str = "UNAVAILABLE") -> None:
    """Answer a request in the application's stead, or refuse the handshake of a WebSocket."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": TRY_AGAIN, "reason": refusal.detail})
        return
    body = json.dumps({"message": refusal.detail, "code": code}).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    headers += [(b"content-type", b"application/json"), *CLOSED]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Closed(OSError):
    """What an application gets that sends to somebody who was cut off.

    The ASGI specification asks for an `OSError`; Starlette makes `WebSocketDisconnect` or
    `ClientDisconnect` of it, as for a client that went away.
    """


class _Open:
    """What a socket and a stream share: being watched over, and a last word to the client."""

    def __init__(self, send: Send) -> None:
        self.ending: Ending | None = None  # why it was cut off
        self._send = send
        self._connection: Connection | None = None
        self._finished = False
        self._waiting: set[asyncio.Timeout] = set()
        self._last_word: asyncio.Task[bool] | None = None
        self._last_word_by = 0.0

    async def watch(self, auth: Limen, principal: Principal) -> bool:
        """Watch over it from now on; false if the principal was signed out meanwhile.

        Raises `StoreUnavailable`.
        """
        connection = await auth.watch(principal)
        if connection.ending is Ending.SIGNED_OUT:
            return False
        self.release()  # what another task asked for at the same time
        self._connection = connection
        if self._finished:
            self.release()
        return True

    def release(self) -> None:
        """Stop watching: it has ended by itself."""
        if self._connection is not None:
            self._connection.close()

    async def finish(self) -> None:
        """Stop watching, and let the last word reach the client."""
        self._finished = True
        self.release()
        if self._last_word is not None:
            try:
                await self._is_told(self._last_word)
            finally:
                self._last_word.cancel()

    def _cut(self, ending: Ending, message: Message) -> None:
        """Say the last word, and let go of everybody who waits for the client."""
        self.ending = ending
        loop = asyncio.get_running_loop()
        self._last_word = loop.create_task(self._say(message))
        self._last_word_by = loop.time() + LAST_WORD_S
        for one in self._waiting:
            one.reschedule(0)

    async def _say(self, message: Message) -> bool:
        try:
            await self._send(message)
        except Exception as fault:  # noqa: BLE001 - each server raises its own for a lost client
            _log.debug("a client could not be told that it was cut off: %s", fault)
            return False
        return True

    async def _is_told(self, last_word: asyncio.Task[bool]) -> bool:
        left_s = self._last_word_by - asyncio.get_running_loop().time()
        await asyncio.wait({last_word}, timeout=max(left_s, 0))
        return last_word.done() and not last_word.cancelled() and last_word.result()

    async def _until_cut(self, ask: Callable[P, Awaitable[T]], *args: P.args, **kw: P.kwargs) -> T:
        """Wait for the server; raises `Closed` if the client is cut off, before or meanwhile.

        A server waits for as long as a client reads nothing. We do not.
        """
        waiting = asyncio.timeout(None)
        try:
            if self.ending is None:
                async with waiting:
                    self._waiting.add(waiting)
                    answer = await ask(*args, **kw)
        except Exception as fault:
            if self.ending is None:
                raise
            raise Closed from fault
        finally:
            self._waiting.discard(waiting)
        if self.ending is not None:
            raise Closed
        return answer


class Socket(_Open):
    """One WebSocket, between the server and the application."""

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__(send)
        self._receive = receive
        self._begun = False

    async def watch(self, auth: Limen, principal: Principal) -> bool:
        """Watch over it from now on; false if the principal was signed out meanwhile."""
        stands = await super().watch(auth, principal)
        if stands and self._connection is not None:
            self._connection.on_end(self._close)
        return stands

    def _close(self, ending: Ending) -> None:
        code, words = _WORDS[ending]
        # Before it is accepted, servers refuse the handshake with 403 instead.
        self._cut(ending, {"type": "websocket.close", "code": code, "reason": words})

    async def receive(self) -> Message:
        """Return what the client sent, or that it is gone; what it sends too late is lost."""
        if self._connection is None or not self._begun:
            # `websocket.connect` is there from the beginning, and frameworks insist on it.
            self._begun = True
            return await self._receive()
        try:
            message = await self._until_cut(self._receive)
        except Closed:
            assert self.ending is not None  # noqa: S101 - for the type checker: that is why
            code, words = _WORDS[self.ending]
            return {"type": "websocket.disconnect", "code": code, "reason": words}
        if message["type"] == "websocket.disconnect":
            self.release()
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; raises `Closed` if the client was cut off."""
        if message["type"] in ("websocket.close", "websocket.http.response.start"):
            if self.ending is not None:
                return  # the client has been told already
            self.release()
        if self._connection is None:  # nobody asked who it serves
            await self._send(message)
        else:
            await self._until_cut(self._send, message)


class Stream(_Open):
    """One response of no fixed end, between the application and the server.

    Once it is cut off, servers answer `receive` with `http.disconnect`, as the specification
    asks of them after the end of a response.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        super().__init__(send)
        self._scope = scope
        version = str(scope.get("asgi", {}).get("spec_version", "2.0")).split(".")
        # Up to 2.3, whoever sends to a client that is gone is told nothing.
        self._raises = [int(part) for part in version] >= [2, 4]
        self._refused = False

    async def watch(self, auth: Limen, principal: Principal) -> bool:
        """Watch over it from now on; if the principal was signed out, answer with 401."""
        stands = await super().watch(auth, principal)
        if not stands:
            self._refused = True
            refusal = refusal_of(Refused(Reason.REVOKED))
            await refuse(self._scope, refusal, self._send, "UNAUTHORIZED")
        return stands

    async def send(self, message: Message) -> None:
        """Pass a message on, unless the client was cut off."""
        if self._refused:
            return await self._drop()
        try:
            await self._until_cut(self._send, message)
        except Closed:
            return await self._drop()
        if message["type"] == "http.response.start":
            if self._connection is not None:
                self._connection.on_end(self._end)
        elif message["type"] in _BODIES and not message.get("more_body", False):
            self.release()
        return None

    async def _drop(self) -> None:
        """Say that the client is gone in the server's way, and in ours if it cannot be told."""
        if self._raises or not (self._last_word is None or await self._is_told(self._last_word)):
            raise Closed
        await asyncio.sleep(0)  # an application that awaits nothing else must still be stopped

    def _end(self, ending: Ending) -> None:
        self._cut(ending, {"type": "http.response.body", "body": b"", "more_body": False})

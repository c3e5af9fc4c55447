"""What may not go on under ASGI: a request is refused, a socket closed, a stream ended."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Final

from limen.connections import Connection, Ending
from limen.verdict import Reason, Refused
from limen.web.refusal import STORE_DOWN, Refusal, refusal_of

if TYPE_CHECKING:
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
# How long the last words to a client may take once the application has finished.
LAST_WORDS_S: Final = 5


async def refuse(scope: Scope, refusal: Refusal, send: Send, code: str = "UNAVAILABLE") -> None:
    """Answer a request in the application's stead, or refuse the handshake of a WebSocket."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": TRY_AGAIN, "reason": refusal.detail})
        return
    body = json.dumps({"message": refusal.detail, "code": code}).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    headers += [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
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
        self._send = send
        self._connection: Connection | None = None
        self._last_word: asyncio.Task[None] | None = None

    @property
    def ending(self) -> Ending | None:
        """Why it was cut off, `None` if it was not."""
        return None if self._connection is None else self._connection.ending

    async def watch(self, auth: Limen, principal: Principal) -> bool:
        """Watch over it from now on; false if the principal was signed out meanwhile.

        Raises `StoreUnavailable`.
        """
        connection = await auth.watch(principal)
        if connection.ending is Ending.SIGNED_OUT:
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        """Stop watching: it has ended by itself."""
        if self._connection is not None:
            self._connection.close()

    async def finish(self) -> None:
        """Stop watching, and let the last word reach the client."""
        self.release()
        if self._last_word is not None:
            await asyncio.wait({self._last_word}, timeout=LAST_WORDS_S)
            self._last_word.cancel()

    def _say_last(self, message: Message) -> None:
        self._last_word = asyncio.get_running_loop().create_task(self._say(message))

    async def _say(self, message: Message) -> None:
        try:
            await self._send(message)
        except Exception as fault:  # noqa: BLE001 - each server raises its own for a lost client
            _log.debug("a client was gone before it could be told: %s", fault)


class Socket(_Open):
    """One WebSocket, between the server and the application."""

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__(send)
        self._receive = receive
        self._waiting: asyncio.Timeout | None = None

    async def watch(self, auth: Limen, principal: Principal) -> bool:
        """Watch over it from now on; false if the principal was signed out meanwhile."""
        stands = await super().watch(auth, principal)
        if stands and self._connection is not None:
            self._connection.on_end(self._cut)
        return stands

    def _cut(self, ending: Ending) -> None:
        code, words = _WORDS[ending]
        # Before it is accepted, servers refuse the handshake with 403 instead.
        self._say_last({"type": "websocket.close", "code": code, "reason": words})
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def receive(self) -> Message:
        """Return what the client sent, or that it is gone; what it sends too late is lost."""
        if self._connection is None:
            return await self._receive()
        if self.ending is None:
            try:
                async with asyncio.timeout(None) as waiting:
                    self._waiting = waiting
                    message = await self._receive()
            except TimeoutError:
                if not waiting.expired():
                    raise
            finally:
                self._waiting = None
        if self.ending is not None:
            code, words = _WORDS[self.ending]
            return {"type": "websocket.disconnect", "code": code, "reason": words}
        if message["type"] == "websocket.disconnect":
            self.release()
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; raises `Closed` if the client was cut off."""
        kind = message["type"]
        if kind in ("websocket.close", "websocket.http.response.start"):
            if self.ending is not None:
                return  # the client has been told already
            self.release()
        elif self.ending is not None:
            raise Closed
        try:
            await self._send(message)
        except Exception as fault:
            if self.ending is None:
                raise
            raise Closed from fault


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
        starts = message["type"] == "http.response.start"
        if self._refused or (self.ending is not None and not starts):
            return await self._drop()
        try:
            await self._send(message)
        except Exception:
            if self.ending is None:
                raise
            return await self._drop()
        if starts and self._connection is not None:
            self._connection.on_end(self._cut)
        elif not message.get("more_body", False):
            self.release()
        return None

    async def _drop(self) -> None:
        if self._raises:
            raise Closed
        await asyncio.sleep(0)  # an application that awaits nothing else must still be stopped

    def _cut(self, ending: Ending) -> None:
        del ending
        self._say_last({"type": "http.response.body", "body": b"", "more_body": False})

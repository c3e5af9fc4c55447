"""What every wire does with a connection: one answer, and nothing told of a fault."""

from __future__ import annotations

import logging
import traceback
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from limen.errors import ConfigurationError, Overloaded, StoreUnavailable
from limen.service.answer import Answer, send_answer
from limen.service.incoming import Disconnected, is_framed_twice
from limen.web.asgi import SCOPE_KEY
from limen.web.safeguards import always_secure

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import Receive, Scope, Send
    from limen.web.request import RequestAuth

_FRAMED_TWICE = Answer(400, headers=(("Connection", "close"),))
_log = logging.getLogger("limen.service")


class Wire(ABC):
    """The endpoints of one protocol as an ASGI application; `AuthMiddleware` is around it."""

    def __init__(self, auth: Limen) -> None:
        self.auth = auth

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive, request_auth: RequestAuth) -> Answer:
        """Answer one HTTP request."""

    def fault(self) -> Answer:
        """Answer after a fault that nobody foresaw."""
        return Answer(500)

    def loggable(self, path: str) -> str:
        """Return what may be logged of the path of a request."""
        return path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            # 1003: this endpoint takes no messages (RFC 6455 section 7.4.1).
            await send({"type": "websocket.close", "code": 1003})
            return
        request_auth = scope.get(SCOPE_KEY)
        if request_auth is None:
            raise ConfigurationError(
                "middleware",
                "these endpoints are served without AuthMiddleware.",
                "Call install(app, auth), or serve limen.service.app.create_app(auth).",
            )
        asked = cast("RequestAuth", request_auth)
        if is_framed_twice(scope["headers"]):
            # What follows on this connection may be hidden in this body (RFC 9112 section 6.3).
            await send_answer(_FRAMED_TWICE, send, always_secure(asked))
            return
        try:
            answer = await self.answer(scope, receive, asked)
        except (StoreUnavailable, Overloaded):
            raise  # the middleware says 503
        except Disconnected:
            return
        except ConfigurationError as fault:
            _log.error("%s", fault)
            answer = self.fault()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the client learns nothing
            _report(scope["method"], self.loggable(scope["path"]), fault)
            answer = self.fault()
        await send_answer(answer, send, always_secure(asked))


def _report(method: str, path: str, fault: Exception) -> None:
    """Log where a fault happened and its type. Its text may quote what a client sent."""
    frames = "".join(traceback.format_tb(fault.__traceback__))
    _log.error("%s %s failed with %s\n%s", method, path, type(fault).__name__, frames)

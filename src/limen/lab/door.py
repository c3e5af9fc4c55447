"""The door of a Lab, its own or an attached one: nobody passes without host, origin and session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from limen.lab.admission import SECURITY_HEADERS, session_of
from limen.lab.notices import closed, failed, missing, notice
from limen.transports.origin import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from limen.lab.admission import Admission
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"


class Door:
    """Stands before every page: host, origin, session; and the headers of every answer."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self.app = app
        self.admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no sockets here
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self.admission.names_host(headers):
            text = "This address is not one of the Lab's. Use the one that it printed."
            return notice("Wrong address", text, 421)
        path, unsafe = scope["path"], scope["method"] not in SAFE_METHODS
        entrance = path == "/" and not unsafe
        if not entrance and not self.admission.from_here(headers, unsafe=unsafe):
            return notice("Not from here", "Only pages of the Lab may ask for this.", 403)
        if not entrance and not self.admission.admits(session_of(headers, self.admission.cookie)):
            return closed()
        return None


async def not_found(request: Request, error: Exception) -> Response:
    """Return what is told of a page that there is none of."""
    del request, error
    return missing()


async def broken(request: Request, error: Exception) -> Response:
    """Return what is told of a fault; the server's log has it."""
    del request, error
    return failed()

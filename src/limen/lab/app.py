"""The Lab as an ASGI application of its own. It is never mounted into another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from limen.lab.admission import SECURITY_HEADERS, Admission, session_of
from limen.lab.desk import Desk, closed, failed, missing, notice
from limen.lab.measure.sizes import FULL
from limen.lab.scenarios import SCENARIOS
from limen.lab.views import ROUTES
from limen.transports.origin import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from limen.lab.measure import Sizes
    from limen.lab.run import Run
    from limen.lab.scenarios import Scenario
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"


class Lab(NamedTuple):
    """The application, and the address that opens it once."""

    app: ASGIApp
    launch_url: str


def create_app(
    port: int,
    scenarios: Mapping[str, Scenario] = SCENARIOS,
    sizes: Sizes = FULL,
    runs: Iterable[Run] = (),
) -> Lab:
    """Return the Lab for a server on this port of the loopback; both names of it work.

    `runs` are on its shelf from the beginning.
    """
    admission = Admission(port)
    desk = Desk(admission, scenarios, sizes)
    for run in runs:
        desk.shelf.keep(run)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await desk.close()

    pages = Starlette(
        lifespan=lifespan,
        routes=[
            *(route for routes in ROUTES for route in routes(desk)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: not_found, 500: broken},
    )
    return Lab(Door(pages, admission), admission.launch_url)


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

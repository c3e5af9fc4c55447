"""The Lab as an ASGI application of its own. It is never mounted into another one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from limen.lab.admission import COOKIE, SECURITY_HEADERS, Admission
from limen.lab.pages import notice_page, run_page, start_page
from limen.lab.scenarios import SCENARIOS
from limen.lab.shelf import Shelf
from limen.transports.origin import SAFE_METHODS

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.scenarios import Scenario
    from limen.web.asgi import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
# A form of the Lab holds a token and the name of a scenario.
MAX_FORM_OCTETS = 1_024


class Lab(NamedTuple):
    """The application, and the address that opens it once."""

    app: ASGIApp
    launch_url: str


def create_app(port: int, scenarios: Mapping[str, Scenario] = SCENARIOS) -> Lab:
    """Return the Lab for a server on this port of the loopback; both names of it work."""
    admission = Admission(port)
    views = Views(admission, Shelf(), scenarios)
    pages = Starlette(
        routes=[
            Route("/", views.start),
            Route("/runs", views.run, methods=["POST"]),
            Route("/runs/{run_id}", views.table),
            Route("/runs/{run_id}/trace.json", views.trace),
            Route("/runs/{run_id}/events/{strategy}/{seq:int}", views.event),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: _not_found},
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
            return _notice("Wrong address", text, 421)
        path, unsafe = scope["path"], scope["method"] not in SAFE_METHODS
        entrance = path == "/" and not unsafe
        if not entrance and not self.admission.from_here(headers, unsafe=unsafe):
            return _notice("Not from here", "Only pages of the Lab may ask for this.", 403)
        if not entrance and not self.admission.admits(_session_of(headers)):
            return _closed()
        return None


class Views:
    """The pages; each request has passed the door."""

    def __init__(
        self, admission: Admission, shelf: Shelf, scenarios: Mapping[str, Scenario]
    ) -> None:
        self._admission = admission
        self._shelf = shelf
        self._scenarios = scenarios
        self._running = asyncio.Lock()

    async def start(self, request: Request) -> Response:
        """Show the start page; or exchange the launch code, once, and take it off the URL."""
        code = request.query_params.get("launch")
        if code is not None:
            return self._launched(code)
        if not self._admission.admits(_session_of(request.headers)):
            return _closed()
        plots = [one.plot for one in self._scenarios.values()]
        return HTMLResponse(start_page(plots, self._shelf, self._admission.csrf))

    def _launched(self, code: str) -> Response:
        session = self._admission.launch(code)
        if session is None:
            return _closed()
        response = RedirectResponse("/", 303)
        # Plain http on the loopback, so not Secure; gone when the browser closes.
        response.set_cookie(COOKIE, session, path="/", httponly=True, samesite="strict")
        return response

    async def run(self, request: Request) -> Response:
        """Run a scenario in a thread and show its table."""
        form = await _form(request)
        if not self._admission.has_token(form.get("csrf", "")):
            return _notice("Not from here", "This form is not from this start of the Lab.", 403)
        scenario = self._scenarios.get(form.get("scenario", ""))
        if scenario is None:
            return _missing()
        if self._running.locked():
            return _notice("One at a time", "A run is going on. Go back and try again.", 409)
        async with self._running:
            run = await asyncio.to_thread(scenario)
        self._shelf.keep(run)
        return RedirectResponse(f"/runs/{run.id}", 303)

    async def table(self, request: Request) -> Response:
        """Show the execution table of a run."""
        run = self._shelf.find(request.path_params["run_id"])
        return _missing() if run is None else HTMLResponse(run_page(run))

    async def trace(self, request: Request) -> Response:
        """Return the events of a run as JSON."""
        run = self._shelf.find(request.path_params["run_id"])
        return _missing() if run is None else JSONResponse(run.as_json())

    async def event(self, request: Request) -> Response:
        """Return one event as JSON: the evidence behind a cell."""
        run = self._shelf.find(request.path_params["run_id"])
        wanted = request.path_params["strategy"], request.path_params["seq"]
        for column in run.columns if run else ():
            for event in column.events:
                if (column.strategy, event.seq) == wanted:
                    return JSONResponse(event.as_json())
        return _missing()


def _session_of(headers: Headers) -> str | None:
    """Return the session's cookie; two of that name are a trick, and count as none."""
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    values = [value for name, _, value in pairs if name == COOKIE]
    return values[0] if len(values) == 1 else None


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a small form that are there once; none if it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_OCTETS:
            return {}
    fields = parse_qs(body.decode("latin-1"))
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _notice(title: str, text: str, status: int) -> Response:
    return HTMLResponse(notice_page(title, text), status)


def _closed() -> Response:
    text = "Open the address that `limen lab` printed. It works once; start the Lab again for more."
    return _notice("The Lab is closed to you", text, 403)


def _missing() -> Response:
    return _notice(
        "Not here", "There is no such run or scenario, or the run was forgotten since.", 404
    )


async def _not_found(request: Request, error: Exception) -> Response:
    del request, error
    return _missing()

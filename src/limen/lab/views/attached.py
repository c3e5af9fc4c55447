"""Attached: the steps of an application's own requests, as they happen. There is no form here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from limen.lab.admission import Admission, session_of
from limen.lab.door import STATIC, Door, broken, not_found
from limen.lab.exports.attached import attached_run
from limen.lab.exports.trace_json import trace_json
from limen.lab.notices import closed, launched, notice
from limen.lab.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.journal import Journal
    from limen.trace import Traced
    from limen.web.asgi import ASGIApp

# What a page shows at first, and what one answer to a question for news holds.
ON_PAGE: Final = 400
AT_ONCE: Final = 100
_LONGEST_NUMBER: Final = 15


def attached_app(port: int, traced: Traced, journal: Journal) -> tuple[ASGIApp, str]:
    """Return the Lab beside an application, and the address that opens it once."""
    admission = Admission(port, cookie="lab_attached")
    view = _Attached(admission, traced, journal)
    pages = Starlette(
        routes=[
            Route("/", view.enter),
            Route("/attached", view.show),
            Route("/attached/rows", view.rows),
            Route("/attached/trace.json", view.trace),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: not_found, 500: broken},
    )
    return Door(pages, admission), admission.launch_url


@dataclass(frozen=True, slots=True)
class _Attached:
    admission: Admission
    traced: Traced
    journal: Journal

    async def enter(self, request: Request) -> Response:
        """Exchange the launch code, once; then lead to the page."""
        code = request.query_params.get("launch")
        if code is not None:
            return launched(self.admission, code)
        if not self.admission.admits(session_of(request.headers, self.admission.cookie)):
            return closed()
        return RedirectResponse("/attached", 303)

    async def show(self, request: Request) -> Response:
        """Show the newest steps, by request."""
        del request
        visits = self.journal.visits(ON_PAGE)
        numbers = [line.number for visit in visits for line in visit.lines]
        return HTMLResponse(
            page(
                "attached.html",
                here="Attached",
                traced=self.traced,
                visits=visits,
                last=max(numbers, default=0),
                process=os.getpid(),
            )
        )

    async def rows(self, request: Request) -> Response:
        """Return at once what came after a number, or that nothing did."""
        stated = request.query_params.get("after", "0")
        if not stated.isascii() or not stated.isdigit() or len(stated) > _LONGEST_NUMBER:
            return notice("Which number?", "Rows are asked for by the number of the last.", 422)
        lines = self.journal.after(int(stated), AT_ONCE)
        if not lines:
            return Response(status_code=204)
        return JSONResponse([line.as_json() for line in lines])

    async def trace(self, request: Request) -> Response:
        """Return what is kept as a trace.json; personal values never came here."""
        del request
        text = trace_json(attached_run(self.traced, self.journal.events))
        headers = {"Content-Disposition": 'attachment; filename="trace.json"'}
        return Response(text, media_type="application/json", headers=headers)

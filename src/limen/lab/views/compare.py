"""Compare: every step of a run, the columns side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.answers import answers_of
from limen.lab.desk import missing
from limen.lab.findings import finding_of
from limen.lab.lanes import align
from limen.lab.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.run import Run


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Compare(desk)
    return [
        Route("/runs/{run_id}", view.show),
        Route("/runs/{run_id}/events/{column}/{seq:int}", view.event),
    ]


@dataclass(frozen=True, slots=True)
class _Compare:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show the execution table of a run."""
        run = self.desk.run_of(request)
        return missing() if run is None else HTMLResponse(run_page(run))

    async def event(self, request: Request) -> Response:
        """Return one event as JSON: the evidence behind a cell."""
        run = self.desk.run_of(request)
        column = run.column(request.path_params["column"]) if run else None
        for event in column.events if column else ():
            if event.seq == request.path_params["seq"]:
                return JSONResponse(event.as_json())
        return missing()


def run_page(run: Run) -> str:
    """Return the execution table of a run."""
    return page(
        "compare.html",
        here="Compare",
        run=run,
        sections=align(run),
        answers=answers_of(run),
        findings=[finding_of(column) for column in run.columns] if run.plot.ending else [],
    )

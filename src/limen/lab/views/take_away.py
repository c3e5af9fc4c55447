"""Take away: a run as files, to keep, to send and to read elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.exports.files import Leak, file_of, files_of
from limen.lab.exports.trace_json import report_of
from limen.lab.notices import missing, notice
from limen.lab.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.run import Run


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _TakeAway(desk)
    return [
        Route("/runs/{run_id}/export", view.show),
        Route("/runs/{run_id}/export/{name}", view.file),
        Route("/runs/{run_id}/trace.json", view.trace),
    ]


@dataclass(frozen=True, slots=True)
class _TakeAway:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show every file with its size and hash, and the redaction report."""
        run = self.desk.run_of(request)
        if run is None:
            return missing()
        try:
            return HTMLResponse(await asyncio.to_thread(export_page, run))
        except Leak as leak:
            return _kept_back(leak)

    async def file(self, request: Request) -> Response:
        """Return one file, to be saved."""
        return await self._given(request, request.path_params["name"])

    async def trace(self, request: Request) -> Response:
        """Return the whole run as JSON."""
        return await self._given(request, "trace.json")

    async def _given(self, request: Request, name: str) -> Response:
        run = self.desk.run_of(request)
        if run is None:
            return missing()
        try:
            file = await asyncio.to_thread(file_of, run, name)
        except Leak as leak:
            return _kept_back(leak)
        if file is None:
            return missing()
        # Names are those of the Lab's own list; the page is never shown under its origin.
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.text, media_type=file.media_type, headers=headers)


def export_page(run: Run) -> str:
    """Return the page of files."""
    files = files_of(run)
    return page(
        "take_away.html",
        here="Take away",
        run=run,
        whole=[one for one in files if _column_of(one.name, run) is None],
        parts=[
            (column, [one for one in files if _column_of(one.name, run) == column.name])
            for column in run.columns
        ],
        report=report_of(run),
    )


def _column_of(name: str, run: Run) -> str | None:
    return next((one.name for one in run.columns if name.startswith(f"{one.name}.")), None)


def _kept_back(leak: Leak) -> Response:
    text = f"{leak} would have held a secret of its run, so nothing is given. This is a fault."
    return notice("Kept back", text, 500)

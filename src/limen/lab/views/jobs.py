"""What goes on: a page that follows a piece of long work and leads to its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.notices import missing
from limen.lab.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.job import Job


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Jobs(desk)
    return [
        Route("/jobs/{job_id}", view.show),
        Route("/jobs/{job_id}/state", view.state),
        Route("/jobs/{job_id}/stop", view.stop, methods=["POST"]),
    ]


def page_of(job: Job) -> str:
    """Return the address of the page that follows a job."""
    return f"/jobs/{job.id}"


@dataclass(frozen=True, slots=True)
class _Jobs:
    desk: Desk

    def _job_of(self, request: Request) -> Job | None:
        return self.desk.jobs.find(request.path_params["job_id"])

    async def show(self, request: Request) -> Response:
        """Show how far a job is, or go to its result."""
        job = self._job_of(request)
        if job is None:
            return missing()
        if job.result is not None:
            return RedirectResponse(job.result, 303)
        return HTMLResponse(page("job.html", job=job, csrf=self.desk.admission.csrf))

    async def state(self, request: Request) -> Response:
        """Return how far a job is as JSON, for the script of its page."""
        job = self._job_of(request)
        return missing() if job is None else JSONResponse(job.as_json())

    async def stop(self, request: Request) -> Response:
        """Ask a job to end."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        job = self._job_of(request)
        if job is None:
            return missing()
        job.stop()
        return RedirectResponse(page_of(job), 303)

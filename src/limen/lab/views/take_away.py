"""Take away: a run as files, to keep, to send and to read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.desk import missing

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _TakeAway(desk)
    return [Route("/runs/{run_id}/trace.json", view.trace)]


@dataclass(frozen=True, slots=True)
class _TakeAway:
    desk: Desk

    async def trace(self, request: Request) -> Response:
        """Return the whole run as JSON."""
        run = self.desk.run_of(request)
        return missing() if run is None else JSONResponse(run.as_json())

"""Measure: what each setup costs on this machine, and how long a copied credential works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.measure import measure, reading
from limen.lab.measure.costs import STEPS
from limen.lab.measure.picture import drawn
from limen.lab.notices import missing, notice
from limen.lab.pages import page
from limen.lab.setups import SETUPS, USUAL
from limen.lab.views.jobs import page_of
from limen.lab.views.start import chosen

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.job import Job
    from limen.lab.measure import Measurement
    from limen.lab.setups import Setup

ADDRESS = "/measure"


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Measure(desk)
    return [
        Route(ADDRESS, view.newest, methods=["GET"]),
        Route(ADDRESS, view.begin, methods=["POST"]),
        Route(f"{ADDRESS}/{{measurement_id}}.json", view.data),
        Route(f"{ADDRESS}/{{measurement_id}}", view.show),
    ]


@dataclass(frozen=True, slots=True)
class _Measure:
    desk: Desk

    def _found(self, request: Request) -> Measurement | None:
        return self.desk.measurements.find(request.path_params["measurement_id"])

    async def newest(self, request: Request) -> Response:
        """Show the newest measurement, or that there is none."""
        del request
        newest = next(iter(self.desk.measurements), None)
        return HTMLResponse(measure_page(self.desk, newest))

    async def show(self, request: Request) -> Response:
        """Show one measurement."""
        found = self._found(request)
        if found is None:
            return missing()
        return HTMLResponse(measure_page(self.desk, found))

    async def data(self, request: Request) -> Response:
        """Return one measurement as JSON, with every single value."""
        found = self._found(request)
        if found is None:
            return missing()
        stated = f'attachment; filename="limen-measurement-{found.id}.json"'
        return JSONResponse(found.as_json(), headers={"Content-Disposition": stated})

    async def begin(self, request: Request) -> Response:
        """Begin to measure, and show how far it is."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        setups = chosen(form)
        if setups is None:
            return notice(
                "Which columns?", "Choose one column or more, of those that there are.", 422
            )
        job = await self.desk.begin("Measuring", lambda job: self._carried_out(job, setups))
        return job if isinstance(job, Response) else RedirectResponse(page_of(job), 303)

    def _carried_out(self, job: Job, setups: tuple[Setup, ...]) -> str:
        found = measure(setups, self.desk.sizes, say=job.say)
        self.desk.measurements.keep(found)
        return f"{ADDRESS}/{found.id}"


def measure_page(desk: Desk, measurement: Measurement | None) -> str:
    """Return the page of a measurement, or of none."""
    measured = [one.name for one in measurement.columns] if measurement else []
    return page(
        "measure.html",
        here="Measure",
        measurement=measurement,
        others=[one for one in desk.measurements if one is not measurement],
        csrf=desk.admission.csrf,
        setups=list(SETUPS.values()),
        chosen=measured or [one.name for one in USUAL],
        sizes=desk.sizes,
        reading=reading,
        steps=STEPS,
        **(drawn(measurement) if measurement else {}),
    )

"""Start: choose a scenario and the columns, run it, and find the runs that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.admission import session_of
from limen.lab.notices import closed, launched, missing, notice
from limen.lab.pages import page
from limen.lab.setups import SETUPS, USUAL, Setup, Storage
from limen.lab.views.jobs import page_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.job import Job
    from limen.lab.scenarios import Scenario


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Start(desk)
    return [Route("/", view.show), Route("/runs", view.run, methods=["POST"])]


@dataclass(frozen=True, slots=True)
class _Start:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show the page; or exchange the launch code, once, and take it off the address."""
        code = request.query_params.get("launch")
        if code is not None:
            return launched(self.desk.admission, code)
        admission = self.desk.admission
        if not admission.admits(session_of(request.headers, admission.cookie)):
            return closed()
        return HTMLResponse(start_page(self.desk))

    async def run(self, request: Request) -> Response:
        """Run a scenario in a thread; show how far it is, and then its table."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        named = form.get("scenario", [])
        scenario = self.desk.scenarios.get(named[0]) if len(named) == 1 else None
        if scenario is None:
            return missing()
        setups = chosen(form)
        if setups is None:
            return notice(
                "Which columns?", "Choose one column or more, of those that there are.", 422
            )
        work = self._carrying_out(scenario, setups)
        job = await self.desk.begin(f"Running: {scenario.plot.title}", work)
        if isinstance(job, Response):
            return job
        return RedirectResponse((await self.desk.soon(job)).result or page_of(job), 303)

    def _carrying_out(self, scenario: Scenario, setups: tuple[Setup, ...]) -> Callable[[Job], str]:
        def work(job: Job) -> str:
            run = scenario(setups=setups, say=job.say)
            self.desk.shelf.keep(run)
            return f"/runs/{run.id}"

        return work


def chosen(form: dict[str, list[str]]) -> tuple[Setup, ...] | None:
    """Return the columns that a form names, `None` if it names one that there is not.

    A form without the field gets the usual ones.
    """
    names, places = form.get("column"), form.get("storage", [Storage.JAR.value])
    if len(places) != 1 or places[0] not in set(Storage):
        return None
    setups = USUAL if names is None else tuple(SETUPS[one] for one in SETUPS if one in names)
    if not setups or (names is not None and len(setups) != len(names)):
        return None
    return tuple(one.kept_in(Storage(places[0])) for one in setups)


def start_page(desk: Desk) -> str:
    """Return the page with a button for each scenario, and the runs there are."""
    return page(
        "start.html",
        here="Start",
        plots=[one.plot for one in desk.scenarios.values()],
        runs=list(desk.shelf),
        csrf=desk.admission.csrf,
        setups=list(SETUPS.values()),
        usual={one.name for one in USUAL},
        storages=list(Storage),
    )

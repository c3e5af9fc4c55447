"""Wire: every request and answer of a run, line by line, and what can be read in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.notices import missing
from limen.lab.pages import page
from limen.lab.trials.edits import EDITS, edited, edits_for, outcome_of
from limen.lab.trials.jars import jar_filled
from limen.lab.wire.cookies import UNSENT, over_https
from limen.lab.wire.traffic import costs_of, traffic_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.run import Column, Run
    from limen.lab.trials.edits import Edit


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Wire(desk)
    return [
        Route("/runs/{run_id}/wire", view.show),
        Route("/runs/{run_id}/wire/edits", view.resend, methods=["POST"]),
        Route("/runs/{run_id}/wire/jar", view.fill_jar, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Wire:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show what crossed the wire in a run."""
        run = self.desk.run_of(request)
        if run is None:
            return missing()
        return HTMLResponse(wire_page(run, self.desk.admission.csrf))

    async def resend(self, request: Request) -> Response:
        """Send a changed credential to a fresh server of the same settings; show what happens."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        run = self.desk.own_run_of(request)
        if isinstance(run, Response):
            return run
        named, chosen = form.get("column", []), form.get("edit", [])
        column = run.column(named[0]) if len(named) == 1 else None
        edit = EDITS.get(chosen[0]) if len(chosen) == 1 else None
        if column is None or edit is None or edit not in edits_for(column.setup):
            return missing()
        again = await self.desk.alone(lambda: edited(edit, column.setup))
        if isinstance(again, Response):
            return again
        return RedirectResponse(f"/runs/{again.id}/wire#edited", 303)

    async def fill_jar(self, request: Request) -> Response:
        """Fill a jar with cookies that must stay in it, ask, and show what went along."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        run = self.desk.own_run_of(request)
        if isinstance(run, Response):
            return run
        setup = run.columns[0].setup
        again = await self.desk.alone(lambda: jar_filled(setup))
        if isinstance(again, Response):
            return again
        return RedirectResponse(f"/runs/{again.id}/wire#step-{len(again.plot.steps)}", 303)


def wire_page(run: Run, csrf: str) -> str:
    """Return the page of what crossed the wire in a run."""
    return page(
        "wire.html",
        here="Wire",
        run=run,
        csrf=csrf,
        scenes=traffic_of(run),
        costs=costs_of(run),
        unsent=UNSENT,
        over_https=over_https,
        forms=_forms(run),
        outcome=outcome_of(run),
    )


def _forms(run: Run) -> list[dict[str, object]]:
    """Return one form for each kind of credential that the columns hand out."""
    forms: dict[tuple[Edit, ...], list[Column]] = {}
    for column in run.columns:
        forms.setdefault(edits_for(column.setup), []).append(column)
    return [
        {"signed": edits[0].signed, "columns": columns, "edits": edits}
        for edits, columns in forms.items()
    ]

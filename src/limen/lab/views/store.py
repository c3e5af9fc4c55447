"""Store: what the database held, row by row, and which request made it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.notices import missing
from limen.lab.pages import page
from limen.lab.reading.changes import MEANINGS, effects_of, family_of, records_of, summary_of
from limen.lab.trials.dumps import dumped, trials_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.reading.changes import Effects, Link, Record
    from limen.lab.run import Column, Run

CREDENTIALS = "credentials at rest"


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Store(desk)
    return [
        Route("/runs/{run_id}/store", view.show),
        Route("/runs/{run_id}/store/dump", view.present, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Store:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show what the stores of a run held."""
        run = self.desk.run_of(request)
        if run is None:
            return missing()
        return HTMLResponse(store_page(run, self.desk.admission.csrf))

    async def present(self, request: Request) -> Response:
        """Present what the stores of a fresh run hold, and show what came of it."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        run = self.desk.own_run_of(request)
        if isinstance(run, Response):
            return run
        setups = tuple(column.setup for column in run.columns)
        again = await self.desk.alone(lambda: dumped(setups))
        if isinstance(again, Response):
            return again
        return RedirectResponse(f"/runs/{again.id}/store#dump", 303)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One column's store: its tables, what each request did to them, and its families."""

    column: Column
    records: tuple[Record, ...]
    effects: tuple[Effects, ...]
    family: tuple[Link, ...]


def store_page(run: Run, csrf: str) -> str:
    """Return the page of what the stores of a run held."""
    shelves = [_shelf(column) for column in run.columns]
    names = [record.name for record in next((one.records for one in shelves if one.records), ())]
    return page(
        "store.html",
        here="Store",
        run=run,
        csrf=csrf,
        shelves=shelves,
        names=names,
        meanings=MEANINGS,
        summary_of=summary_of,
        trials=trials_of(run),
    )


def _shelf(column: Column) -> Shelf:
    records = records_of(column)
    family = tuple(
        link for record in records if record.name == CREDENTIALS for link in family_of(record)
    )
    return Shelf(column, records, effects_of(column), family)

"""Compare: every step of a run, the columns side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.notices import missing
from limen.lab.pages import page
from limen.lab.reading.answers import answers_of
from limen.lab.reading.findings import finding_of
from limen.lab.reading.flow import flow_of
from limen.lab.reading.holders import Hands, Holder, holders_of, holdings
from limen.lab.reading.insights import moments_of
from limen.lab.reading.snapshot import snapshot_of
from limen.lab.reading.source import Excerpt, excerpts_of
from limen.lab.reading.spans import Span, spans_of
from limen.lab.reading.table import TableOf
from limen.lab.reading.telling import prints_of
from limen.lab.reading.things import Held, Thing
from limen.lab.reading.tracker import tracked
from limen.lab.reading.why import why

if TYPE_CHECKING:
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.run import Run


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Compare(desk)
    return [
        Route("/runs/{run_id}", view.show),
        Route("/runs/{run_id}/events/{column}/{seq}", view.event),
    ]


@dataclass(frozen=True, slots=True)
class _Compare:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Show a run."""
        run = self.desk.run_of(request)
        return missing() if run is None else HTMLResponse(run_page(run))

    async def event(self, request: Request) -> Response:
        """Return one event as JSON: the evidence behind a cell."""
        run = self.desk.run_of(request)
        column = run.column(request.path_params["column"]) if run else None
        for event in column.events if column else ():
            if str(event.seq) == request.path_params["seq"]:
                return JSONResponse(event.as_json())
        return missing()


def run_page(run: Run) -> str:
    """Return the page of a run: one trace, read in every way that this view knows."""
    table = TableOf(run)
    excerpts = {row.number: excerpts_of(row) for row in table.rows}
    return page(
        "compare.html",
        here="Compare",
        run=run,
        sections=table.sections,
        rows=table.rows,
        answers=answers_of(run),
        findings=[finding_of(column) for column in run.columns] if run.plot.ending else [],
        flow=flow_of(run),
        whys={row.number: why(row) for row in table.rows},
        excerpts=excerpts,
        sources=_by_source(excerpts),
        hands=_hands(run),
        tracker=tracked(run),
        moments=moments_of(run),
        snapshot=snapshot_of(run),
        crossed={
            column.name: {one.request_id for one in column.exchanges} for column in run.columns
        },
        prints={column.name: prints_of(column.events) for column in run.columns},
    )


def _hands(run: Run) -> list[tuple[Holder, list[tuple[Span[tuple[Held, ...]], ...]]]]:
    """Return what each holder has in each column, from which row to which."""
    held = holdings(run)
    return [
        (
            holder,
            [
                spans_of({number: _in_hand(hands, holder) for number, hands in rows.items()})
                for rows in held.values()
            ],
        )
        for holder in holders_of(held)
    ]


def _in_hand(hands: Hands, holder: Holder) -> tuple[Held, ...]:
    """Return what a holder has; what a request has found out is the tracker's to tell."""
    return tuple(one for one in hands.get(holder, ()) if one.thing is not Thing.OUTCOME)


def _by_source(excerpts: dict[int, tuple[Excerpt, ...]]) -> dict[Excerpt, list[int]]:
    """Return each excerpt once, with the rows that it took."""
    rows: dict[Excerpt, list[int]] = {}
    for number, found in excerpts.items():
        for one in found:
            rows.setdefault(one, []).append(number)
    return rows

"""The Lab as an ASGI application of its own. It is never mounted into another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from limen.lab.admission import Admission
from limen.lab.desk import Desk
from limen.lab.door import STATIC, Door, broken, not_found
from limen.lab.measure.sizes import FULL
from limen.lab.scenarios import SCENARIOS
from limen.lab.views.routes import ROUTES

if TYPE_CHECKING:
    from limen.lab.measure import Sizes
    from limen.lab.run import Run
    from limen.lab.scenarios import Scenario
    from limen.web.asgi import ASGIApp


class Lab(NamedTuple):
    """The application, and the address that opens it once."""

    app: ASGIApp
    launch_url: str


def create_app(
    port: int,
    scenarios: Mapping[str, Scenario] = SCENARIOS,
    sizes: Sizes = FULL,
    runs: Iterable[Run] = (),
) -> Lab:
    """Return the Lab for a server on this port of the loopback; both names of it work.

    `runs` are on its shelf from the beginning.
    """
    admission = Admission(port)
    desk = Desk(admission, scenarios, sizes)
    for run in runs:
        desk.shelf.keep(run)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await desk.close()

    pages = Starlette(
        lifespan=lifespan,
        routes=[
            *(route for routes in ROUTES for route in routes(desk)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={404: not_found, 500: broken},
    )
    return Lab(Door(pages, admission), admission.launch_url)

"""Every address of the Lab, view by view."""

from collections.abc import Callable
from typing import Final

from starlette.routing import BaseRoute

from limen.lab.desk import Desk
from limen.lab.views import (
    attack,
    compare,
    decide,
    jobs,
    measure,
    quiz,
    start,
    store,
    take_away,
    wire,
)

ROUTES: Final[tuple[Callable[[Desk], list[BaseRoute]], ...]] = (
    start.routes,
    compare.routes,
    wire.routes,
    store.routes,
    attack.routes,
    decide.routes,
    quiz.routes,
    take_away.routes,
    measure.routes,
    jobs.routes,
)

"""Quiz: questions about a run that its own trace answers, and those that were missed again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.notices import missing
from limen.lab.pages import page
from limen.lab.quiz.deal import Asked, Quiz, deal

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from limen.lab.desk import Desk
    from limen.lab.run import Run

_SEED: Final = re.compile(r"[A-Za-z0-9-]{1,16}")
FIRST_SEED: Final = "1"


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    return [Route("/runs/{run_id}/quiz", _Questions(desk).show)]


@dataclass(frozen=True, slots=True)
class _Questions:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Ask, or tell how the answers in the address came out. It changes nothing."""
        run = self.desk.run_of(request)
        return missing() if run is None else HTMLResponse(quiz_page(run, request.query_params))


@dataclass(frozen=True, slots=True)
class Marked:
    """One question, what was chosen, and whether it was missed at the first try."""

    asked: Asked
    chosen: int | None
    missed: bool

    @property
    def right(self) -> bool:
        """Whether the right option was chosen, at whichever try."""
        return self.chosen is not None and self.asked.is_right(self.chosen)


def quiz_page(run: Run, query: QueryParams) -> str:
    """Return the questions of a run by the seed of an address, marked if it asks for that."""
    quiz = deal(run, seed_in(query), query.getlist("only"))
    marked = [_marked(one, query) for one in quiz.asked]
    again = [one.asked.item.id for one in marked if one.missed or not one.right]
    return page(
        "quiz.html",
        here="Quiz",
        run=run,
        quiz=quiz,
        marked=marked,
        checked="check" in query,
        again=_address(run, quiz, again) if again else None,
        missed=len(again),
        following=next_seed(quiz.seed),
        only=query.getlist("only"),
    )


def seed_in(query: QueryParams) -> str:
    """Return the seed of an address, the first one if it is none."""
    stated = query.get("seed", FIRST_SEED)
    return stated if _SEED.fullmatch(stated) else FIRST_SEED


def next_seed(seed: str) -> str:
    """Return the seed of the next quiz."""
    return str(int(seed) + 1) if seed.isdecimal() else f"{seed[:14]}-2"


def _marked(asked: Asked, query: QueryParams) -> Marked:
    places = {str(place): place for place in range(len(asked.options))}
    chosen = places.get(query.get(asked.item.id, ""))
    wrong = chosen is not None and not asked.is_right(chosen)
    return Marked(asked, chosen, wrong or asked.item.id in query.getlist("missed"))


def _address(run: Run, quiz: Quiz, only: list[str]) -> str:
    query = urlencode([("seed", quiz.seed), *(("only", one) for one in only)])
    return f"/runs/{run.id}/quiz?{query}"

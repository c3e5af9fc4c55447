"""Decide: which strategy for whom, by rules that can be read, with a record to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from limen.clock import SystemClock
from limen.lab.decide.advisor import flips_of, removed_by, verdict_of
from limen.lab.decide.measured import Kept, promise, reported
from limen.lab.decide.promises import options
from limen.lab.decide.record import record_of
from limen.lab.decide.rulebook import RULEBOOK
from limen.lab.notices import notice
from limen.lab.pages import page
from limen.lab.playing.stage import environment
from limen.lab.setups import SETUPS

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from limen.lab.decide.advisor import Flip, Verdict
    from limen.lab.decide.rulebook import Answers
    from limen.lab.desk import Desk

# A comparison is readable with this many columns.
MAX_COMPARED = 3


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = _Decide(desk)
    return [Route("/decide", view.show), Route("/decide/record.md", view.record)]


@dataclass(frozen=True, slots=True)
class _Decide:
    desk: Desk

    async def show(self, request: Request) -> Response:
        """Ask; and where answers came along, say what follows from them."""
        if not request.query_params:
            return HTMLResponse(decide_page(self.desk, None))
        answers = answers_in(request.query_params)
        return _unknown() if answers is None else HTMLResponse(decide_page(self.desk, answers))

    async def record(self, request: Request) -> Response:
        """Return the decision as Markdown, to be kept."""
        answers = answers_in(request.query_params)
        if answers is None:
            return _unknown()
        version = environment()["limen"]
        text = record_of(answers, kept_of(self.desk), SystemClock().now(), version)
        headers = {"Content-Disposition": 'attachment; filename="sign-in-decision.md"'}
        return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


def answers_in(query: QueryParams) -> Answers | None:
    """Return the answers in an address, the assumed ones where it is silent.

    `None` if it holds anything else: a record must not rest on an answer that was dropped.
    """
    given = query.multi_items()
    possible = {one.id: {answer.id for answer in one.answers} for one in RULEBOOK.questions}
    if len(dict(given)) != len(given):
        return None
    if any(answer not in possible.get(question, ()) for question, answer in given):
        return None
    return {**RULEBOOK.assumed, **dict(given)}


def decide_page(desk: Desk, answers: Answers | None) -> str:
    """Return the questions, and the result of the answers if there are any."""
    return page(
        "decide.html",
        here="Decide",
        book=RULEBOOK,
        answers=answers or RULEBOOK.assumed,
        address=address,
        result=None if answers is None else _result(desk, answers),
        csrf=desk.admission.csrf,
    )


def _result(desk: Desk, answers: Answers) -> dict[str, object]:
    verdict, kept = verdict_of(answers), kept_of(desk)
    option = verdict.option
    return {
        "verdict": verdict,
        "traits": options(),
        "promise": promise(option) if option else None,
        "reported": reported(option, kept) if option else (),
        "code": SETUPS[option.name].code if option else None,
        "removed": removed_by(verdict),
        "flips": [(one, flipped(answers, one)) for one in flips_of(answers, verdict)],
        "compared": compared(verdict),
        "kept": kept,
        "record": f"/decide/record.md?{urlencode(dict(answers))}",
    }


def kept_of(desk: Desk) -> Kept:
    """Return what was carried out and measured here."""
    # What was read from a file was measured elsewhere, or nowhere.
    runs = [run for run in desk.shelf if not run.imported]
    return Kept(runs, list(desk.measurements))


def compared(verdict: Verdict) -> tuple[str, ...]:
    """Return the columns to run: the result, what else was kept, and one that was excluded."""
    others = [name for name in options() if name not in verdict.kept]
    return (*verdict.kept[: MAX_COMPARED - 1], *others)[:MAX_COMPARED]


def address(answers: Answers) -> str:
    """Return the address of a result."""
    return f"/decide?{urlencode(dict(answers))}"


def flipped(answers: Answers, flip: Flip) -> str:
    """Return the address of the result with one other answer."""
    return address({**answers, flip.question: flip.answer})


def _unknown() -> Response:
    text = "The address holds an answer that there is not. Start again from the questions."
    return notice("Which answer?", text, 400)

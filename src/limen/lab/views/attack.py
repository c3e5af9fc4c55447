"""Attack: predict what each column answers, run it for real, and see which switch decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from limen.lab.attacks import CARDS
from limen.lab.attacks.attempt import MEANINGS, Attempts, judged, matrix
from limen.lab.attacks.sweep import Sweep
from limen.lab.notices import missing, notice
from limen.lab.pages import page
from limen.lab.setups import ATTACKED, SETUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from limen.lab.attacks.attempt import Attempt
    from limen.lab.attacks.card import Card, Outcome
    from limen.lab.desk import Desk

# What is known as trouble with tokens, and is about storage and carrier.
FIRST: Final = ("A18", "A19")
FIELD: Final = "predict-"


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the addresses of this view."""
    view = AttackView(desk, CARDS)
    return [
        Route("/attack", view.show),
        Route("/attack/all", view.progress),
        Route("/attack/all", view.run_all, methods=["POST"]),
        Route("/attack/all.json", view.state),
        Route("/attack/{card_id}", view.predict),
        Route("/attack/{card_id}", view.run, methods=["POST"]),
        Route("/attack/{card_id}/{run_id}", view.result),
    ]


class AttackView:
    """The cards of one Lab, and what came of them."""

    def __init__(self, desk: Desk, cards: Mapping[str, Card]) -> None:
        self.desk = desk
        self.cards = cards
        self.attempts = Attempts()
        self._by_id = {
            one.id: one for base in cards.values() for one in base.under_each_condition()
        }
        self.sweep = Sweep(desk, self.attempts, tuple(self._by_id.values()))

    async def show(self, request: Request) -> Response:
        """Show all cards, and the matrix."""
        del request
        return HTMLResponse(self.list_page())

    async def predict(self, request: Request) -> Response:
        """Show what is tried, and ask what each column will answer."""
        card = self._by_id.get(request.path_params["card_id"])
        if card is None:
            return missing()
        return HTMLResponse(
            page(
                "attack_card.html",
                here="Attack",
                card=card,
                field=FIELD,
                meanings=MEANINGS,
                newest=self.attempts.newest(card.id),
                csrf=self.desk.admission.csrf,
            )
        )

    async def run(self, request: Request) -> Response:
        """Run a card and show what came of it."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        card = self._by_id.get(request.path_params["card_id"])
        if card is None:
            return missing()
        predicted = predictions(card, form)
        if predicted is None:
            return notice("Which outcome?", "Choose from those that the card offers.", 422)
        run = await self.desk.alone(card)
        if isinstance(run, Response):
            return run
        self.attempts.keep(judged(card, run, predicted))
        return RedirectResponse(f"/attack/{card.id}/{run.id}", 303)

    async def result(self, request: Request) -> Response:
        """Show what was measured, beside what was expected and what was predicted."""
        attempt = self.attempts.find(request.path_params["run_id"])
        if attempt is None or attempt.card.id != request.path_params["card_id"]:
            return missing()
        return HTMLResponse(self.result_page(attempt))

    async def run_all(self, request: Request) -> Response:
        """Begin to run every card, and show how far it is."""
        form = await self.desk.form(request)
        if isinstance(form, Response):
            return form
        self.sweep.start()
        return RedirectResponse("/attack/all", 303)

    async def progress(self, request: Request) -> Response:
        """Show how far the run of all cards is."""
        del request
        cards = [(one, self.attempts.newest(one.id)) for one in self.sweep.cards]
        return HTMLResponse(
            page(
                "attack_all.html",
                here="Attack",
                sweep=self.sweep,
                cards=cards,
                csrf=self.desk.admission.csrf,
            )
        )

    async def state(self, request: Request) -> Response:
        """Return how far it is, for the script of that page."""
        del request
        sweep = self.sweep
        return JSONResponse(
            {
                "done": sweep.done,
                "of": len(sweep.cards),
                "card": sweep.current.title if sweep.current else None,
                "going_on": sweep.going_on,
            }
        )

    def list_page(self) -> str:
        """Return the page with every card, and the matrix of outcomes."""
        columns = columns_of(self.cards)
        first = [one for name, one in self.cards.items() if name in FIRST]
        others = [one for name, one in self.cards.items() if name not in FIRST]
        return page(
            "attack.html",
            here="Attack",
            first=first,
            others=others,
            attempts=self.attempts,
            columns=columns,
            matrix=list(matrix(self.cards, self.attempts, columns)),
            csrf=self.desk.admission.csrf,
        )

    def result_page(self, attempt: Attempt) -> str:
        """Return the page with what came of one attempt, and of the same under other conditions."""
        card = attempt.card
        base = next(one for one in self.cards.values() if _has(one, card))
        others = (
            self.attempts.newest(one.id) for one in base.under_each_condition() if one.id != card.id
        )
        return page(
            "attack_result.html",
            here="Attack",
            attempt=attempt,
            card=card,
            run=self.desk.shelf.find(attempt.run_id),
            base=base,
            step=1 + [one.name for one in card.plot.steps].index(card.deciding),
            before=[one for one in others if one is not None],
            cards=self.cards,
            meanings=MEANINGS,
            csrf=self.desk.admission.csrf,
        )


def columns_of(cards: Mapping[str, Card]) -> tuple[str, ...]:
    """Return the names of all setups that some card is tried against, the usual ones first."""
    usual = [one.name for one in ATTACKED]
    used = {
        setup.name
        for base in cards.values()
        for card in base.under_each_condition()
        for setup in card.setups
    }
    others = [name for name in (*SETUPS, *sorted(used)) if name in used and name not in usual]
    return tuple(dict.fromkeys((*usual, *others)))


def predictions(card: Card, form: Mapping[str, list[str]]) -> dict[str, Outcome] | None:
    """Return what a form predicts by column, `None` if the card offers no such thing."""
    columns = {one.name for one in card.setups}
    predicted = {}
    for name, values in form.items():
        if not name.startswith(FIELD):
            continue
        column = name.removeprefix(FIELD)
        if column not in columns or len(values) != 1 or values[0] not in card.choices:
            return None
        predicted[column] = values[0]
    return predicted


def _has(base: Card, card: Card) -> bool:
    return any(one.id == card.id for one in base.under_each_condition())

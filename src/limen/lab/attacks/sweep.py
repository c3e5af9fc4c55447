"""Running every card, one after the other, while somebody watches how far it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from limen.lab.attacks.attempt import judged

if TYPE_CHECKING:
    from limen.lab.attacks.attempt import Attempts
    from limen.lab.attacks.card import Card
    from limen.lab.desk import Desk

# While somebody runs something else.
RETRY_S: Final = 0.2


class Sweep:
    """One pass over all cards, in the background of the Lab."""

    def __init__(self, desk: Desk, attempts: Attempts, cards: tuple[Card, ...]) -> None:
        self.cards = cards
        self.done = 0
        self.broken: list[Card] = []
        self._desk = desk
        self._attempts = attempts
        self._task: asyncio.Task[None] | None = None

    @property
    def going_on(self) -> bool:
        """Whether cards are being run."""
        return self._task is not None and not self._task.done()

    @property
    def current(self) -> Card | None:
        """The card that is being run."""
        return self.cards[self.done] if self.going_on and self.done < len(self.cards) else None

    def start(self) -> None:
        """Begin, unless it goes on already."""
        if not self.going_on:
            self.done, self.broken = 0, []
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        for card in self.cards:
            await self._try(card)
            self.done += 1

    async def _try(self, card: Card) -> None:
        while True:
            try:
                run = await self._desk.alone(card)
                if not isinstance(run, Response):
                    self._attempts.keep(judged(card, run, {}))
                    return
            except Exception:  # noqa: BLE001 - whatever became of one card, the others are run
                self.broken.append(card)
                return
            await asyncio.sleep(RETRY_S)

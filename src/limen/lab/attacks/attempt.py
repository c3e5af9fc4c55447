"""What came of running a card: each question by column, against the oracle and a prediction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.lab.attacks.measures import reason_of
from limen.lab.reading.words import CHECKS, FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.lab.attacks.card import Card, Outcome
    from limen.lab.run import Run

# What a status means to whoever attacks.
MEANINGS: Final[Mapping[str, str]] = {
    "200": "accepted",
    "401": "refused",
    "403": "known, but not allowed",
    "422": "refused as it stands",
    "503": "refused, because nobody can say",
    "no step": "nothing to aim at",
    "copied": "and used elsewhere",
    "ridden only": "while the page is open",
    "neither": "no use to the script",
}
MAX_ATTEMPTS: Final = 40


@dataclass(frozen=True, slots=True)
class Tried:
    """One question in one column. `reason` is why the server refused, as its trace says."""

    column: str
    expected: Outcome | None
    measured: Outcome
    predicted: Outcome | None
    reason: str | None

    @property
    def as_expected(self) -> bool:
        """Whether the oracle was right."""
        return self.measured == self.expected

    @property
    def foreseen(self) -> bool | None:
        """Whether a person foresaw it, `None` if they said nothing."""
        return None if self.predicted is None else self.measured == self.predicted


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of a card and what each column answered."""

    question: str
    columns: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a card, judged. `at` is in milliseconds; the first answer is what decides."""

    card: Card
    run_id: str
    at: int
    answers: tuple[Answered, ...]
    facts: tuple[tuple[str, Mapping[str, str]], ...]
    switches: Mapping[str, tuple[str, ...]]

    @property
    def deciding(self) -> tuple[str, ...]:
        """Return each switch that tells the columns apart as the outcome does.

        None does where the outcomes are all alike, or where no switch alone explains them.
        """
        outcomes = [one.measured for one in self.answers[0].columns]
        if len(set(outcomes)) == 1:
            return ()
        return tuple(
            name
            for name, values in self.switches.items()
            if len(set(zip(values, outcomes, strict=True))) == len(set(values))
        )

    def measured(self, column: str) -> Outcome | None:
        """Return the first answer of a column, if the card has that column."""
        return next((one.measured for one in self.answers[0].columns if one.column == column), None)

    @property
    def differing(self) -> tuple[tuple[str, Tried], ...]:
        """Return every question whose answer is not the expected one."""
        return tuple(
            (one.question, tried)
            for one in self.answers
            for tried in one.columns
            if not tried.as_expected
        )

    @property
    def score(self) -> tuple[int, int]:
        """Return how many columns were foreseen, of how many that somebody spoke of."""
        said = [one.foreseen for one in self.answers[0].columns if one.foreseen is not None]
        return sum(said), len(said)


def judged(card: Card, run: Run, predicted: Mapping[str, Outcome]) -> Attempt:
    """Hold a run of a card against its oracle and against what a person predicted."""
    answers = []
    for number, probe in enumerate(card.questions):
        said = {} if number else predicted
        by_status = number == 0 and card.measured is None
        answers.append(
            Answered(
                probe.question,
                tuple(
                    Tried(
                        column.name,
                        probe.expected.get(column.name),
                        probe.measured(run, column),
                        said.get(column.name),
                        reason_of(column, card.deciding) if by_status else None,
                    )
                    for column in run.columns
                ),
            )
        )
    told = card.facts
    facts = tuple((one.name, told(run, one)) for one in run.columns) if told else ()
    return Attempt(card, run.id, run.at, tuple(answers), facts, _switches(run))


def _switches(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the four choices behind every column, each by column."""
    return {
        "What the credential is": tuple(FORMATS[one.guarantees.format] for one in run.columns),
        "What is asked on each request": tuple(CHECKS[one.guarantees.check] for one in run.columns),
        "How it travels": tuple(one.setup.carrier for one in run.columns),
        "Where it is kept": tuple(one.setup.storage.value for one in run.columns),
    }


class Attempts:
    """The newest attempts, and the newest one of each card; in memory, gone with the process."""

    def __init__(self) -> None:
        self._by_run: OrderedDict[str, Attempt] = OrderedDict()
        self._newest: dict[str, Attempt] = {}

    def keep(self, attempt: Attempt) -> None:
        """Keep an attempt, and forget the oldest when there are too many."""
        self._by_run[attempt.run_id] = self._newest[attempt.card.id] = attempt
        while len(self._by_run) > MAX_ATTEMPTS:
            self._by_run.popitem(last=False)

    def find(self, run_id: str) -> Attempt | None:
        """Return the attempt that made a run, if it is still kept."""
        return self._by_run.get(run_id)

    def newest(self, card_id: str) -> Attempt | None:
        """Return the newest attempt of a card."""
        return self._newest.get(card_id)


@dataclass(frozen=True, slots=True)
class Cell:
    """One card against one setup in the matrix; no `expected`, no such column."""

    expected: Outcome | None
    measured: Outcome | None
    run_id: str | None

    @property
    def state(self) -> str:
        """Say in words how the two compare."""
        if self.expected is None:
            return "not tried"
        if self.measured is None:
            return "not run yet"
        return "as expected" if self.measured == self.expected else "differs"


def matrix(
    cards: Mapping[str, Card], attempts: Attempts, columns: tuple[str, ...]
) -> Iterator[tuple[Card, tuple[Cell, ...]]]:
    """Yield every card under each of its conditions, and what is known of it by column."""
    for base in cards.values():
        for card in base.under_each_condition():
            attempt = attempts.newest(card.id)
            yield card, tuple(_cell(card, attempt, name) for name in columns)


def _cell(card: Card, attempt: Attempt | None, column: str) -> Cell:
    expected = card.expected.get(column)
    if attempt is None:
        return Cell(expected, None, None)
    return Cell(expected, attempt.measured(column), attempt.run_id)

"""What the advisor asks and by which rules it decides, read from data and checked once.

A rule can do no more than its fields say: it compares answers and promises with lists and two
bounds. Nothing in the data is ever evaluated.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from limen.lab.setups import SETUPS

if TYPE_CHECKING:
    from datetime import date

    from limen.lab.decide.promises import Traits

HERE: Final = Path(__file__).parent
# By the id of a question, the id of an answer.
Answers: TypeAlias = Mapping[str, str]
# By the id of a question, the answers that count, or by the name of a trait, its values.
Listed: TypeAlias = Mapping[str, tuple[str | bool | int, ...]]


@unique
class Grade(StrEnum):
    """How much a piece of evidence weighs, from strong to weak."""

    STANDARD = "standard"
    VENDOR = "vendor documentation"
    INCIDENT = "incident"
    MEASURED = "measurable here"
    OPINION = "opinion"


@unique
class Effect(StrEnum):
    """What a rule does when it fires."""

    REMOVE = "remove"
    PREFER = "prefer"
    NOTE = "note"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible answer."""

    id: str
    says: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, why it matters, and the answers; the first is assumed."""

    id: str
    asks: str
    why: str
    answers: tuple[Answer, ...]

    def says(self, answer: str) -> str:
        """Return an answer in words."""
        return next(one.says for one in self.answers if one.id == answer)


@dataclass(frozen=True, slots=True)
class Profile:
    """A situation to start from: a title, and the answer to every question."""

    id: str
    title: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a rule comes from, what is said there, and how much that weighs."""

    cite: str
    says: str
    grade: Grade

    @property
    def played(self) -> str | None:
        """The scenario or the attack that shows it, where it can be measured here."""
        return self.cite.partition(" ")[2] if self.grade is Grade.MEASURED else None

    @property
    def address(self) -> str:
        """The page on which that can be run."""
        return f"/attack/{self.played}" if self.cite.startswith("attack ") else "/"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which options are meant, by what they promise: all of it must hold."""

    listed: Listed
    bounds: Mapping[str, int]

    def fits(self, option: Traits) -> bool:
        """Tell whether an option is meant."""
        return all(getattr(option, name) in wanted for name, wanted in self.listed.items()) and all(
            getattr(option, name) > bound for name, bound in self.bounds.items()
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """If these answers were given, and the result is such a one, do this."""

    id: str
    when: Listed
    result: Choice | None
    effect: Effect
    choice: Choice | None
    text: str | None
    because: str
    evidence: tuple[Evidence, ...]

    def fires(self, answers: Answers) -> bool:
        """Tell whether the answers are those that it asks for."""
        return all(answers[question] in wanted for question, wanted in self.when.items())


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that the advisor goes by. `checked` is when the citations were looked up."""

    questions: tuple[Question, ...]
    profiles: tuple[Profile, ...]
    rules: tuple[Rule, ...]
    clashes: Mapping[frozenset[str], str]
    simplest_first: tuple[str, ...]
    checked: date

    @property
    def assumed(self) -> Answers:
        """The answers of whoever has answered nothing."""
        return {one.id: one.answers[0].id for one in self.questions}

    def question(self, name: str) -> Question:
        """Return a question by its id."""
        return next(one for one in self.questions if one.id == name)


# The traits that a rule may list values of, and the bounds that it may set.
_LISTED: Final = frozenset({"format", "check", "reads", "idle", "renewed", "needs_store"})
_BOUNDS: Final = {"window_over_ms": "window_ms"}
_FIELDS: Final = frozenset({"id", "when", "result", "because", "evidence", *Effect})


def read_rulebook(questions: str, rules: str) -> Rulebook:
    """Read both documents. What is unknown, missing or contradictory is a `ValueError`."""
    asked, stated = tomllib.loads(questions), tomllib.loads(rules)
    known = tuple(
        Question(
            one["id"], one["asks"], one["why"], tuple(Answer(**answer) for answer in one["answers"])
        )
        for one in asked["question"]
    )
    possible = {one.id: frozenset(answer.id for answer in one.answers) for one in known}
    assumed = {one.id: one.answers[0].id for one in known}
    profiles = []
    for one in asked["profile"]:
        _check_answers(
            one["id"], {name: [value] for name, value in one["answers"].items()}, possible
        )
        profiles.append(Profile(one["id"], one["title"], assumed | one["answers"]))
    simplest = tuple(stated["simplest_first"])
    if set(simplest) != set(SETUPS):
        raise ValueError("simplest_first must name every setup once")
    return Rulebook(
        known,
        tuple(profiles),
        tuple(_rule(one, possible) for one in stated["rule"]),
        {frozenset(one["rules"]): one["says"] for one in stated["clash"]},
        simplest,
        stated["checked"],
    )


def _rule(stated: Mapping[str, Any], possible: Mapping[str, frozenset[str]]) -> Rule:
    name, effects = stated["id"], [one for one in Effect if one in stated]
    if len(effects) != 1 or not stated.keys() <= _FIELDS:
        raise ValueError(f"rule {name} must have one effect, and no field that there is not")
    (effect,) = effects
    when = stated.get("when", {})
    _check_answers(name, when, possible)
    chooses = effect in (Effect.REMOVE, Effect.PREFER)
    return Rule(
        name,
        {question: tuple(wanted) for question, wanted in when.items()},
        _choice(name, stated["result"]) if "result" in stated else None,
        effect,
        _choice(name, stated[effect]) if chooses else None,
        None if chooses else stated[effect],
        stated["because"],
        tuple(
            Evidence(one["cite"], one["says"], Grade(one["grade"])) for one in stated["evidence"]
        ),
    )


def _choice(rule: str, stated: Mapping[str, Any]) -> Choice:
    if not stated or not stated.keys() <= _LISTED | _BOUNDS.keys():
        raise ValueError(f"rule {rule} must choose by traits that there are")
    return Choice(
        {name: tuple(wanted) for name, wanted in stated.items() if name in _LISTED},
        {_BOUNDS[name]: bound for name, bound in stated.items() if name in _BOUNDS},
    )


def _check_answers(
    name: str, given: Mapping[str, Any], possible: Mapping[str, frozenset[str]]
) -> None:
    for question, wanted in given.items():
        if not set(wanted) <= possible.get(question, frozenset()):
            raise ValueError(f"{name} names an answer to {question!r} that there is not")


RULEBOOK: Final = read_rulebook(
    (HERE / "questions.toml").read_text("utf-8"), (HERE / "rules.toml").read_text("utf-8")
)

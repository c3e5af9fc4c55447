"""From answers to a result: which rules fired, what they did, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from limen.lab.decide.promises import options
from limen.lab.decide.rulebook import RULEBOOK, Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from limen.lab.decide.promises import Traits
    from limen.lab.decide.rulebook import Answers, Rule


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired, and the options that it excludes or passes over."""

    rule: Rule
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Answers that leave nothing, none of them to spare, and what that means if it was said."""

    answers: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    says: str | None


@dataclass(frozen=True, slots=True)
class Flip:
    """One other answer that leads elsewhere; `to` is `None` where it leads into a conflict."""

    question: str
    answer: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result alone: an option or conflicts, and the rules on the way to it, in order.

    `kept` are the options that no rule removed, the chosen one first.
    """

    option: Traits | None
    conflicts: tuple[Conflict, ...]
    kept: tuple[str, ...]
    fired: tuple[Fired, ...]

    def by(self, *effects: Effect) -> tuple[Fired, ...]:
        """Return the rules that fired and have one of these effects."""
        return tuple(one for one in self.fired if one.rule.effect in effects)

    @property
    def reasons(self) -> tuple[Fired, ...]:
        """The rules that made a difference: they exclude something, pass it over or say it."""
        deciding = self.by(Effect.REMOVE, Effect.PREFER, Effect.NOTE)
        return tuple(one for one in deciding if one.against or one.rule.text)

    @property
    def duties(self) -> tuple[Rule, ...]:
        """What is to be done whatever else is decided."""
        return tuple(one.rule for one in self.by(Effect.DUTY))


def verdict_of(answers: Answers) -> Verdict:
    """Apply the rules in their order to the answer of every question."""
    known = options()
    left = [known[name] for name in RULEBOOK.simplest_first]
    fired: list[Fired] = []
    for rule in _of(Effect.REMOVE, answers):
        gone = [one for one in known.values() if rule.choice and rule.choice.fits(one)]
        fired.append(Fired(rule, tuple(one.name for one in gone)))
        left = [one for one in left if one not in gone]
    preferred = list(left)
    for rule in _of(Effect.PREFER, answers):
        fitting = [one for one in preferred if rule.choice and rule.choice.fits(one)]
        passed = [one for one in preferred if one not in fitting] if fitting else []
        fired.append(Fired(rule, tuple(one.name for one in passed)))
        preferred = fitting or preferred
    option = preferred[0] if preferred else None
    fired += [
        Fired(rule)
        for rule in (*_of(Effect.NOTE, answers), *_of(Effect.DUTY, answers))
        if rule.result is None or (option is not None and rule.result.fits(option))
    ]
    ordered = sorted(left, key=lambda one: one is not option)
    conflicts = () if option else tuple(_conflicts(answers, fired))
    return Verdict(option, conflicts, tuple(one.name for one in ordered), tuple(fired))


def flips_of(answers: Answers, verdict: Verdict) -> tuple[Flip, ...]:
    """Return every single other answer that would lead to another result."""
    found = []
    for question in RULEBOOK.questions:
        for answer in question.answers:
            other = verdict_of({**answers, question.id: answer.id})
            if _name(other) != _name(verdict):
                found.append(Flip(question.id, answer.id, _name(other)))
    return tuple(found)


def removed_by(verdict: Verdict) -> Mapping[str, tuple[Fired, ...]]:
    """Return by the name of an option the rules that exclude it, each of them enough."""
    excluding = verdict.by(Effect.REMOVE)
    return {
        name: tuple(one for one in excluding if name in one.against)
        for name in options()
        if any(name in one.against for one in excluding)
    }


def _of(effect: Effect, answers: Answers) -> list[Rule]:
    return [one for one in RULEBOOK.rules if one.effect is effect and one.fires(answers)]


def _name(verdict: Verdict) -> str | None:
    return verdict.option.name if verdict.option else None


def _conflicts(answers: Answers, fired: Iterable[Fired]) -> Iterator[Conflict]:
    """Yield every set of the fewest rules that leave nothing, with the answers behind them."""
    removing = [one for one in fired if one.rule.effect is Effect.REMOVE]
    for size in range(1, len(removing) + 1):
        enough = [
            chosen
            for chosen in combinations(removing, size)
            if {name for one in chosen for name in one.against} == set(options())
        ]
        for chosen in enough:
            questions = {question for one in chosen for question in one.rule.when}
            given = [one.id for one in RULEBOOK.questions if one.id in questions]
            rules = tuple(one.rule.id for one in chosen)
            said = RULEBOOK.clashes.get(frozenset(rules))
            yield Conflict(tuple((name, answers[name]) for name in given), rules, said)
        if enough:
            return

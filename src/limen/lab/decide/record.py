"""The decision as a document to keep: what was asked, what follows, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.lab.decide.advisor import flips_of, removed_by, verdict_of
from limen.lab.decide.measured import promise, reported
from limen.lab.decide.rulebook import RULEBOOK, Effect
from limen.lab.pages import moment
from limen.lab.setups import SETUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.decide.advisor import Verdict
    from limen.lab.decide.measured import Kept
    from limen.lab.decide.rulebook import Answers, Rule

_DOES: Final = {Effect.REMOVE: "Excludes", Effect.PREFER: "Passes over"}


def record_of(answers: Answers, kept: Kept, at: int, version: str) -> str:
    """Return the decision record in Markdown; `at` is in milliseconds."""
    verdict = verdict_of(answers)
    return "\n".join(
        [
            "# Decision record: how sign-ins are remembered",
            "",
            f"Made with Limen {version} on {moment(at)}. Rules checked on {RULEBOOK.checked}.",
            "",
            *_outcome(verdict, kept),
            *_section("What was asked", _asked(answers)),
            *_section("Rules that decided, in order", _reasons(verdict)),
            *_section("Options that were excluded", _removed(verdict)),
            *_section("Duties", (f"- [ ] {one.text} ({_sources(one)})" for one in verdict.duties)),
            *_section("What would change the result", _flips(answers, verdict)),
        ]
    )


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from list(lines) or ["None."]
    yield ""


def _outcome(verdict: Verdict, kept: Kept) -> Iterator[str]:
    yield "## Result"
    yield ""
    if verdict.option is None:
        yield from _conflict(verdict)
        return
    yield f"**`{verdict.option.name}`**: `{SETUPS[verdict.option.name].code}`"
    yield ""
    yield f"Risk that is left: {promise(verdict.option)}"
    yield ""
    for one in reported(verdict.option, kept):
        yield f"- {one.text} {one.basis}; {moment(one.at)}."
    if not reported(verdict.option, kept):
        yield "It was not measured."
    yield ""


def _conflict(verdict: Verdict) -> Iterator[str]:
    yield "**No option fits.**"
    for conflict in verdict.conflicts:
        yield ""
        yield f"By {' and '.join(conflict.rules)} these answers exclude each other:"
        yield ""
        for question, answer in conflict.answers:
            asked = RULEBOOK.question(question)
            yield f"- {asked.asks} {asked.says(answer).capitalize()}."
        if conflict.says:
            yield ""
            yield conflict.says
    yield ""


def _asked(answers: Answers) -> Iterator[str]:
    for one in RULEBOOK.questions:
        yield f"- {one.asks} **{one.says(answers[one.id])}**"


def _reasons(verdict: Verdict) -> Iterator[str]:
    for one in verdict.reasons:
        named = ", ".join(f"`{name}`" for name in one.against)
        done = f" {_DOES[one.rule.effect]} {named}." if named else ""
        said = f"{one.rule.text} {one.rule.because}" if one.rule.text else one.rule.because
        yield f"- **{one.rule.id}** {said}{done} ({_sources(one.rule)})"


def _removed(verdict: Verdict) -> Iterator[str]:
    for name, excluding in removed_by(verdict).items():
        yield f"- `{name}`: {', '.join(one.rule.id for one in excluding)}"


def _flips(answers: Answers, verdict: Verdict) -> Iterator[str]:
    for flip in flips_of(answers, verdict):
        question = RULEBOOK.question(flip.question)
        result = f"`{flip.to}`" if flip.to else "no option fits"
        yield f"- {question.asks} “{question.says(flip.answer)}”: {result}"


def _sources(rule: Rule) -> str:
    return "; ".join(f"{one.cite}, {one.grade.value}" for one in rule.evidence)

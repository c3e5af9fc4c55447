"""Driving a flow by hand, as a third party's test does."""

import pytest

from limen.effects import FindSession, TouchSession, ask, check, enter, note
from limen.evidence import Count
from limen.phase import Phase
from limen.testing import feed, overheard
from limen.verdict import Reason, Refused


def example():
    yield from enter(Phase.REFRESH)
    found = yield from ask(FindSession(id="ses_1"))
    yield from note("found", Count(found))
    touched = yield from ask(TouchSession("ses_1", 1))
    if not (yield from check("there", touched, Reason.UNKNOWN_SESSION)):
        return Refused(Reason.UNKNOWN_SESSION)
    return found


def test_a_transcript_says_what_was_asked_checked_and_returned():
    seen = feed(example(), [7, True])
    assert seen.value == 7
    assert seen.effects == (FindSession(id="ses_1"), TouchSession("ses_1", 1))
    assert [one.name for one in seen.checks] == ["there"]
    assert [one.value for one in seen.notes] == [Count(7)]
    assert seen.phases == (Phase.REFRESH,)
    assert (seen.reads, seen.writes) == (1, 1)
    assert seen.explains_itself


def test_answers_may_come_from_a_function():
    seen = feed(example(), lambda effect: isinstance(effect, FindSession))
    assert seen.value == Refused(Reason.UNKNOWN_SESSION)
    assert seen.explains_itself


@pytest.mark.parametrize("answers", [[7], [7, True, None]])
def test_too_few_and_too_many_answers_are_errors(answers):
    with pytest.raises(AssertionError, match="answer"):
        feed(example(), answers)


def unexplained(last):
    yield from enter(Phase.REFRESH)
    yield from check("a rule", last == "passed", last if isinstance(last, Reason) else None)
    if last == "asks":
        yield from ask(FindSession(id="ses_1"))
    return Refused(Reason.IDLE)


@pytest.mark.parametrize(
    ("last", "explained"),
    [(Reason.IDLE, True), (Reason.ENDED, False), ("passed", False), ("asks", False)],
)
def test_a_refusal_is_explained_only_by_the_failed_check_right_before_it(last, explained):
    assert feed(unexplained(last), lambda _: None).explains_itself is explained


def test_a_refusal_out_of_nowhere_is_not_explained():
    def silent():
        yield from ()
        return Refused(Reason.IDLE)

    assert not feed(silent()).explains_itself


def test_overhearing_changes_nothing():
    assert feed(overheard(example()), [7, True]).value == feed(example(), [7, True])

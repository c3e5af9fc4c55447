"""How many attempts are left, and until when."""

import pytest
from limens import blocking

from limen import Budget, Reason, Refused, SignedIn
from limen.testing import FrozenClock
from limen.throttle import Tally, retry_after

BUDGET = Budget("sign-in", limit=3, window=10_000)


@pytest.mark.parametrize(
    ("count", "now", "wait"),
    [(1, 0, None), (3, 0, None), (4, 0, 10), (4, 9_000, 1), (4, 9_999, 1), (99, 8_999, 2)],
)
def test_the_wait_is_whole_seconds_rounded_up(count, now, wait):
    assert retry_after(Tally(count, resets_at=10_000), BUDGET, now) == wait


def test_attempts_are_counted_whatever_their_outcome_and_forgotten_with_the_window():
    clock = FrozenClock()
    with blocking("session", clock=clock, account_budget=BUDGET) as limen:
        limen.add_account("ada@example.org", "correct horse battery")
        limen.add_account("bob@example.org", "correct horse battery")
        for _ in range(3):
            wrong = limen.sign_in("ada@example.org", "wrong horse")
            assert wrong == Refused(Reason.BAD_CREDENTIALS)
        right = limen.sign_in("ada@example.org", "correct horse battery")
        assert right == Refused(Reason.THROTTLED, retry_after=10)
        assert isinstance(limen.sign_in("bob@example.org", "correct horse battery"), SignedIn)
        clock.advance(10_000)
        assert isinstance(limen.sign_in("ada@example.org", "correct horse battery"), SignedIn)


@pytest.mark.proves("attack:68")
def test_an_unknown_account_is_throttled_like_a_known_one():
    with blocking("session", account_budget=BUDGET) as limen:
        answers = [limen.sign_in("nobody@example.org", "wrong horse") for _ in range(4)]
    assert [answer.reason for answer in answers] == [Reason.BAD_CREDENTIALS] * 3 + [
        Reason.THROTTLED
    ]


def test_other_spellings_of_an_address_share_its_budget():
    with blocking("session", account_budget=BUDGET) as limen:
        for email in ("Ada@example.org", " ada@EXAMPLE.org", "ADA@example.org "):
            limen.sign_in(email, "wrong horse")
        assert limen.sign_in("ada@example.org", "wrong horse").reason is Reason.THROTTLED


def test_a_budget_of_none_is_off():
    with blocking("session") as limen:
        assert limen.spend(Budget("off", 0, 1), "127.0.0.1") is None
        for _ in range(3):
            assert limen.spend(BUDGET, "127.0.0.1") is None
        assert limen.spend(BUDGET, "127.0.0.1") is not None
        assert limen.spend(BUDGET, "127.0.0.2") is None

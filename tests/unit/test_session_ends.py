"""When a session is over: to the millisecond, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.session import (
    CREDENTIAL_LENGTH,
    REFRESH_PREFIX,
    SESSION_PREFIX,
    Lifetimes,
    Session,
    Standing,
    looks_like,
    refusal_of,
)
from limen.verdict import Reason

NOW = 1_000_000


def standing(used_at=NOW, expires_at=NOW + 1_000, idle=100, disabled=False):
    session = Session("ses_1", "usr_1", "session", NOW, NOW, used_at, expires_at, idle)
    return Standing(session, frozenset(), disabled)


@pytest.mark.proves("asvs:7.3.1", "asvs:7.3.2")
@pytest.mark.parametrize(
    ("given_standing", "now", "reason"),
    [
        (None, NOW, Reason.UNKNOWN_SESSION),
        (standing(), NOW, None),
        (standing(), NOW + 99, None),
        (standing(), NOW + 100, Reason.IDLE),
        (standing(), NOW + 101, Reason.IDLE),
        (standing(used_at=NOW + 950), NOW + 999, None),
        (standing(used_at=NOW + 950), NOW + 1_000, Reason.ENDED),
        (standing(used_at=NOW + 950), NOW + 2_000, Reason.ENDED),
        (standing(disabled=True), NOW, Reason.ACCOUNT_DISABLED),
        (standing(disabled=True), NOW + 100, Reason.IDLE),
        (standing(idle=0), NOW, Reason.IDLE),
        (standing(expires_at=NOW), NOW, Reason.ENDED),
    ],
)
def test_each_end_is_exclusive_and_named(given_standing, now, reason):
    assert refusal_of(given_standing, now) is reason


@pytest.mark.proves("nist:9")
@given(
    used_at=st.integers(0, 2_000),
    expires_at=st.integers(0, 2_000),
    idle=st.integers(0, 2_000),
    now=st.integers(0, 5_000),
)
def test_a_session_is_usable_exactly_before_its_stated_end(used_at, expires_at, idle, now):
    one = standing(used_at=used_at, expires_at=expires_at, idle=idle)
    assert (refusal_of(one, now) is None) is (now < one.session.ends_at)


@pytest.mark.parametrize(
    ("idle", "every"), [(60_000, 1_000), (7 * 86_400_000, 60_000), (59, 0), (3_600_000, 60_000)]
)
def test_a_use_is_written_down_at_most_once_a_minute_and_a_sixtieth_of_idle(idle, every):
    assert Lifetimes(idle=idle).touch_every == every


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (SESSION_PREFIX + "a" * 43, True),
        (SESSION_PREFIX + "-_" * 21 + "A", True),
        (REFRESH_PREFIX + "a" * 43, False),
        (SESSION_PREFIX + "a" * 42, False),
        (SESSION_PREFIX + "a" * 44, False),
        (SESSION_PREFIX + "a" * 42 + "=", False),
        (SESSION_PREFIX + "a" * 42 + " ", False),
        (SESSION_PREFIX + "a" * 42 + "é", False),
        (SESSION_PREFIX + "a" * 42 + "٣", False),
        (SESSION_PREFIX + "a" * 42 + "\n", False),
        (SESSION_PREFIX.upper() + "a" * 43, False),
        ("", False),
    ],
)
def test_the_shape_is_judged_before_any_look_up(text, ours):
    assert looks_like(text, SESSION_PREFIX) is ours
    assert CREDENTIAL_LENGTH == 47

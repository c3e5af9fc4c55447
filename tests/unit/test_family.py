"""What presenting a refresh token means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.family import Presentation, RefreshRecord, judge

FRESH = RefreshRecord(b"a", "ses_1", issued_at=0)
USED = RefreshRecord(b"a", "ses_1", issued_at=0, used_at=1_000, successor=b"b")


@pytest.mark.parametrize(
    ("record", "successor_used", "now", "meaning"),
    [
        (FRESH, False, 0, Presentation.FIRST_USE),
        (FRESH, False, 10**12, Presentation.FIRST_USE),
        (USED, False, 1_000, Presentation.RETRY),
        (USED, False, 10_999, Presentation.RETRY),
        (USED, True, 10_999, Presentation.SUPERSEDED),
        (USED, False, 11_000, Presentation.REPLAY),
        (USED, True, 11_000, Presentation.REPLAY),
        (USED, True, 10**12, Presentation.REPLAY),
    ],
)
def test_the_grace_ends_to_the_millisecond(record, successor_used, now, meaning):
    assert judge(record, successor_used, now, grace=10_000) is meaning


@given(now=st.integers(1_000, 10**6), successor_used=st.booleans())
def test_without_a_grace_every_second_use_is_a_replay(now, successor_used):
    assert judge(USED, successor_used, now, grace=0) is Presentation.REPLAY


@given(now=st.integers(0, 10**6), grace=st.integers(0, 10**5), successor_used=st.booleans())
def test_a_used_token_never_rotates_again(now, grace, successor_used):
    assert judge(USED, successor_used, now, grace) is not Presentation.FIRST_USE

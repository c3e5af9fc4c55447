"""The clock of a server steps back by an hour: what has expired stays so where it can be known."""

from __future__ import annotations

import time

import pytest
from limens import blocking

from limen import Authenticated, Refused, Target
from limen.clock import SystemClock
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock
from limen.verdict import Reason

HOUR_MS = 3_600_000
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
pytestmark = pytest.mark.proves("attack:75")


@pytest.mark.parametrize("strategy", ["session", "jwt", "hybrid"])
def test_in_a_process_that_runs_nothing_expires_twice(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1_800_000_000_000

    def set_to(ms: int) -> None:
        monkeypatch.setattr(time, "time_ns", lambda: ms * 1_000_000)

    set_to(at)
    limen = blocking(strategy, clock=SystemClock(), idle=600.0, absolute=1_200.0)
    limen.open()
    signed = limen.sign_up(EMAIL, PASSWORD)
    assert not isinstance(signed, Refused)
    text = signed.issued.access.reveal()
    assert isinstance(limen.authenticate(text), Authenticated)
    set_to(at + 601_000)
    assert isinstance(limen.authenticate(text), Refused)
    set_to(at + 601_000 - HOUR_MS)
    assert isinstance(limen.authenticate(text), Refused)


def test_a_process_that_starts_with_such_a_clock_knows_the_future_but_not_the_past() -> None:
    """The bound: what expired on its own within the step, never what was revoked."""
    store, clock = BlockingMemoryStore(), FrozenClock()
    before = blocking("hybrid", store=store, clock=clock)
    before.open()
    signed = [before.sign_up(f"{name}@example.org", PASSWORD) for name in ("ada", "bob")]
    old, revoked = (one.issued for one in signed if not isinstance(one, Refused))
    before.revoke(Target.session(revoked.principal.session_id))
    clock.advance(HOUR_MS)
    assert isinstance(before.authenticate(old.access.reveal()), Refused)
    newest = before.sign_in("ada@example.org", PASSWORD)
    assert not isinstance(newest, Refused)
    # Another server, or this one after a restart, an hour behind.
    after = blocking("hybrid", store=store, clock=FrozenClock(clock.now() - HOUR_MS))
    after.open()
    refused = after.authenticate(newest.issued.access.reveal())
    assert refused == Refused(Reason.NOT_YET_VALID)
    assert isinstance(after.authenticate(old.access.reveal()), Authenticated)
    assert isinstance(after.authenticate(revoked.access.reveal()), Refused)

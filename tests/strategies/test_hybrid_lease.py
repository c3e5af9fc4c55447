"""`hybrid` when the feed is cut: late by `max_lag` at most, and refused rather than guessed."""

import pytest
from limens import blocking

from limen import Authenticated, Authentication, Reason, Refused, StoreUnavailable, Target
from limen.effects import FindRevocation, ReadLog
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock
from limen.trace import RingSink

MAX_LAG = 2_000


class Line:
    """The line of one process to a shared store; it can be cut, wholly or for the feed."""

    def __init__(self, store):
        self.store = store
        self.cut = ()

    def perform(self, effect):
        if isinstance(effect, self.cut):
            raise StoreUnavailable("the line is cut")
        return self.store.perform(effect)

    def open(self):
        self.store.open()

    def close(self):
        self.store.close()


@pytest.fixture
def scene():
    clock, store, sink = FrozenClock(), BlockingMemoryStore(), RingSink()
    line = Line(store)
    with (
        blocking("hybrid", store=store, clock=clock) as here,
        blocking("hybrid", store=line, clock=clock, sink=sink) as there,
    ):
        copied = here.remember(Authentication("usr_ada", clock.now())).issued.access.reveal()
        assert isinstance(there.authenticate(copied), Authenticated)
        yield clock, line, here, there, copied, sink


@pytest.mark.parametrize("target", [Target.user("usr_ada"), Target.everybody()])
def test_a_cut_feed_learns_of_a_revocation_within_its_lag(scene, target):
    clock, line, here, there, copied, _ = scene
    line.cut = (ReadLog,)
    receipt = here.revoke(target)
    assert receipt.effective_at == clock.now() + MAX_LAG
    clock.advance(MAX_LAG - 1)
    # The promise is as long as this: a copy really does work until then.
    assert isinstance(there.authenticate(copied), Authenticated)
    clock.advance(1)
    assert there.authenticate(copied) == Refused(Reason.REVOKED)


def test_a_healthy_feed_learns_of_it_at_its_next_look(scene):
    clock, _, here, there, copied, _ = scene
    here.revoke(Target.user("usr_ada"))
    clock.advance(99)
    assert isinstance(there.authenticate(copied), Authenticated)
    clock.advance(1)
    assert there.authenticate(copied) == Refused(Reason.REVOKED)


def test_a_stale_feed_costs_one_read_a_request_and_still_accepts(scene):
    clock, line, _, there, copied, sink = scene
    line.cut = (ReadLog,)
    clock.advance(MAX_LAG)
    sink.clear()
    assert isinstance(there.authenticate(copied), Authenticated)
    assert sum(event.reads for event in sink.events) == 1
    checks = {check.name: check.ok for event in sink.events for check in event.checks}
    assert checks["feed is fresh"] is False
    assert checks["not revoked"] is True


def test_without_any_line_nobody_is_accepted(scene):
    clock, line, _, there, copied, _ = scene
    line.cut = (ReadLog, FindRevocation)
    clock.advance(MAX_LAG)
    with pytest.raises(StoreUnavailable):
        there.authenticate(copied)


def test_a_process_that_starts_late_knows_what_was_revoked_before(scene):
    clock, line, here, _, copied, _ = scene
    here.revoke(Target.user("usr_ada"))
    with blocking("hybrid", store=line.store, clock=clock) as late:
        assert late.authenticate(copied) == Refused(Reason.REVOKED)


@pytest.mark.proves("attack:74")
def test_a_machine_whose_clock_is_ahead_gives_out_no_token_that_outlives_a_revocation():
    store, here_clock, ahead_clock = BlockingMemoryStore(), FrozenClock(), FrozenClock()
    ahead_clock.advance(3_000)
    with (
        blocking("hybrid", store=store, clock=here_clock) as here,
        blocking("hybrid", store=store, clock=ahead_clock) as ahead,
    ):
        issued = ahead.remember(Authentication("usr_ada", ahead_clock.now())).issued
        renewed = ahead.refresh(issued.refresh.reveal())
        here.revoke(Target.user("usr_ada"))
        for one in (issued, renewed):
            assert here.authenticate(one.access.reveal()) == Refused(Reason.REVOKED)
        again = here.remember(Authentication("usr_ada", here_clock.now())).issued
        assert isinstance(here.authenticate(again.access.reveal()), Authenticated)

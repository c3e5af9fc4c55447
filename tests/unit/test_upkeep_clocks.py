"""What is revoked stays revoked although the machines of one system disagree about the time."""

import pytest
from limens import blocking

from limen import Authenticated, Refused, Target
from limen.claims import MAXIMUM_LEEWAY
from limen.clock import CLOCKS_DIFFER
from limen.effects import ReadLog
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock, StepClock

START = 1_800_000_000_000
AHEAD = 30_000


def machine(store, clock, check):
    made = blocking("hybrid", store=store, clock=clock, check=check)
    made.open()
    return made


def signed_in(one):
    return one.sign_up("ada@example.org", "correct horse battery staple").issued


@pytest.mark.proves("attack:76")
@pytest.mark.parametrize("check", ["feed", "store"])
def test_a_purge_by_a_clock_that_is_ahead_lets_no_token_back_in(check):
    store, right, ahead = BlockingMemoryStore(), StepClock(START), StepClock(START + AHEAD)
    here, purger = machine(store, right, check), machine(store, ahead, check)
    issued = signed_in(here)
    assert isinstance(here.authenticate(issued.access.reveal()), Authenticated)
    here.revoke(Target.user(issued.principal.subject))
    for _ in range(80):
        right.advance(5_000)
        ahead.advance(5_000)
        purger.purge()
        restarted = machine(store, right, check)  # knows only what the log still has
        assert isinstance(restarted.authenticate(issued.access.reveal()), Refused)


@pytest.mark.proves("attack:76")
@pytest.mark.parametrize("check", ["feed", "store"])
def test_a_token_from_a_clock_that_is_ahead_stays_refused_to_its_end(check):
    store, right, ahead = BlockingMemoryStore(), StepClock(START), StepClock(START + AHEAD)
    issuer, here = machine(store, ahead, check), machine(store, right, check)
    issued = signed_in(issuer)
    here.revoke(Target.session(issued.principal.session_id))
    for _ in range(80):
        right.advance(5_000)
        assert isinstance(here.authenticate(issued.access.reveal()), Refused)


def test_an_hour_later_everything_that_time_has_ended_goes():
    store, clock = BlockingMemoryStore(), FrozenClock()
    here = machine(store, clock, "feed")
    here.revoke(Target.user(signed_in(here).principal.subject))
    (entry,) = store.perform(ReadLog(0))
    clock.advance(entry.expires_at + CLOCKS_DIFFER - 1 - clock.now())
    here.purge()
    assert store.perform(ReadLog(0)) == (entry,)
    clock.advance(1)
    here.purge()
    assert store.perform(ReadLog(0)) == ()


def test_the_entry_of_a_key_outlives_what_a_clock_that_is_ahead_signed():
    store, clock = BlockingMemoryStore(), FrozenClock()
    here = machine(store, clock, "feed")
    policy, key = here.assembly.parts.policy, here.assembly.parts.keys.keyring.signing
    here.revoke(Target.key(key.id))
    (entry,) = store.perform(ReadLog(0))
    assert entry.expires_at == clock.now() + MAXIMUM_LEEWAY + policy.lifetime + policy.leeway

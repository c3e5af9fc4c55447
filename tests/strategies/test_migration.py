"""`accept=`: a running system moves from one strategy to another and signs nobody out."""

from itertools import permutations

import pytest
from limens import QUICK, STRATEGIES, blocking

from limen import (
    Authenticated,
    Authentication,
    BlockingLimen,
    Issued,
    Reason,
    Refused,
    Target,
)
from limen.stores.memory import BlockingMemoryStore
from limen.stores.sql import migrate
from limen.testing import FrozenClock, SeededEntropy

PAIRS = list(permutations(STRATEGIES, 2))
# `jwt` and `hybrid` present the same kind of token, so there is nothing to exchange it for.
EXCHANGED = [pair for pair in PAIRS if "session" in pair]


@pytest.fixture(params=["memory", "sqlite"])
def move(request, tmp_path):
    """Return a function that signs in under one strategy and starts the next one."""
    clock, opened = FrozenClock(), []
    if request.param == "memory":
        kept = {"store": BlockingMemoryStore()}
    else:
        url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        migrate(url)
        kept = {"database": url}

    def start(strategy, seed, **options):
        entropy = SeededEntropy(seed)
        given = QUICK | kept | options | {"clock": clock, "entropy": entropy}
        limen = BlockingLimen(strategy, **given)
        limen.open()
        opened.append(limen)
        return limen

    def moved(before, after):
        old = start(before, "before")
        proof = Authentication("usr_ada", clock.now(), ("pwd", "otp"))
        issued = old.remember(proof).issued
        clock.advance(1_000)
        return start(after, "after", accept=(before,)), issued, clock

    yield moved
    for limen in opened:
        limen.close()


def exchanged(limen, issued):
    verdict = limen.authenticate(issued.access.reveal())
    assert isinstance(verdict, Authenticated)
    return limen.exchange(verdict.principal, issued.refresh and issued.refresh.reveal())


@pytest.mark.proves("attack:89")
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_old_credentials_stay_valid(move, before, after):
    limen, old, _ = move(before, after)
    verdict = limen.authenticate(old.access.reveal())
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.session_id == old.session.id
    renewed = limen.refresh((old.refresh or old.access).reveal())
    assert isinstance(renewed, Issued)
    assert renewed.principal.strategy == after
    assert renewed.session.id == old.session.id


@pytest.mark.parametrize(("before", "after"), EXCHANGED)
def test_an_exchange_gives_the_new_kind_on_the_same_session(move, before, after):
    limen, old, clock = move(before, after)
    assert limen.is_outdated(limen.authenticate(old.access.reveal()).principal)
    new = exchanged(limen, old)
    assert isinstance(new, Issued)
    assert new.access.reveal().startswith("lms_" if after == "session" else "ey")
    assert (new.refresh is None) is (after == "session")
    assert new.session.id == old.session.id
    assert new.session.expires_at == old.session.expires_at
    assert new.principal.authenticated_at == old.principal.authenticated_at
    assert [one.id for one in limen.sessions("usr_ada")] == [old.session.id]
    fresh = limen.authenticate(new.access.reveal()).principal
    assert not limen.is_outdated(fresh)
    assert fresh.methods == ("pwd", "otp")
    # Neither the old nor the new credential outlives the end that the sign-in had.
    clock.advance(old.session.expires_at - clock.now())
    for one in (old, new):
        assert isinstance(limen.authenticate(one.access.reveal()), Refused)


@pytest.mark.parametrize(("before", "after"), EXCHANGED)
def test_two_exchanges_at_once_both_work(move, before, after):
    limen, old, _ = move(before, after)
    principal = limen.authenticate(old.access.reveal()).principal
    refresh = old.refresh and old.refresh.reveal()
    first, second = limen.exchange(principal, refresh), limen.exchange(principal, refresh)
    assert first.access != second.access
    for one in (old, first, second):
        assert isinstance(limen.authenticate(one.access.reveal()), Authenticated)
    assert len(limen.sessions("usr_ada")) == 1


@pytest.mark.parametrize(("before", "after"), EXCHANGED)
@pytest.mark.parametrize("with_the_new", [True, False])
def test_signing_out_ends_both_credentials(move, before, after, with_the_new):
    limen, old, clock = move(before, after)
    new = exchanged(limen, old)
    receipt = limen.sign_out((new if with_the_new else old).access.reveal())
    assert receipt.sessions_ended == 1
    clock.advance(receipt.effective_at - clock.now())
    for one in (old, new):
        assert isinstance(limen.authenticate(one.access.reveal()), Refused)
        assert isinstance(limen.refresh((one.refresh or one.access).reveal()), Refused)
    assert limen.sessions("usr_ada") == ()


@pytest.mark.proves("attack:89")
@pytest.mark.parametrize(("before", "after"), EXCHANGED)
def test_a_revoked_credential_is_not_exchanged(move, before, after):
    limen, old, _ = move(before, after)
    principal = limen.authenticate(old.access.reveal()).principal
    limen.revoke(Target.user("usr_ada"))
    answer = limen.exchange(principal, old.refresh and old.refresh.reveal())
    assert isinstance(answer, Refused)
    assert limen.sessions("usr_ada") == ()


@pytest.mark.parametrize("before", ["jwt", "hybrid"])
def test_a_copied_token_alone_is_not_exchanged(move, before):
    limen, old, _ = move(before, "session")
    principal = limen.authenticate(old.access.reveal()).principal
    assert limen.exchange(principal) == Refused(Reason.UNKNOWN_SESSION)
    assert limen.exchange(principal, old.access.reveal()) == Refused(Reason.UNKNOWN_SESSION)


def from_zero_storage(after):
    clock = FrozenClock()
    given = QUICK | {"clock": clock}
    with BlockingLimen("jwt", refresh=None, **given) as nothing:
        proof = Authentication("usr_ada", clock.now(), ("pwd",), frozenset({"editor"}))
        old = nothing.remember(proof).issued
    limen = blocking(after, accept=("jwt",), clock=clock)
    limen.open()
    return limen, old, clock


@pytest.mark.parametrize("after", ["session", "hybrid"])
def test_a_token_of_zero_storage_is_exchanged_for_a_session(after):
    limen, old, clock = from_zero_storage(after)
    verdict = limen.authenticate(old.access.reveal())
    assert isinstance(verdict, Authenticated)
    assert limen.is_outdated(verdict.principal)
    first, second = limen.exchange(verdict.principal), limen.exchange(verdict.principal)
    assert isinstance(second, Refused)  # a copy opens no second session
    assert isinstance(limen.authenticate(first.access.reveal()), Authenticated)
    assert first.principal.strategy == after
    assert first.principal.authenticated_at == old.principal.authenticated_at
    clock.advance(301_000)
    assert isinstance(limen.authenticate(old.access.reveal()), Refused)
    later = limen.refresh((first.refresh or first.access).reveal())
    assert isinstance(later, Issued)


@pytest.mark.parametrize("after", ["session", "hybrid"])
@pytest.mark.parametrize("target", [Target.user("usr_ada"), Target.everybody()])
def test_a_token_of_zero_storage_is_not_exchanged_once_its_owner_is_signed_out(after, target):
    limen, old, _ = from_zero_storage(after)
    principal = limen.authenticate(old.access.reveal()).principal
    limen.revoke(target)
    assert limen.exchange(principal) == Refused(Reason.REVOKED)
    assert limen.sessions("usr_ada") == ()


def test_a_store_is_asked_to_end_sessions_also_when_zero_storage_issues():
    store = BlockingMemoryStore()
    with blocking("session", store=store) as before:
        old = before.remember(Authentication("usr_ada", 1)).issued
    with blocking("jwt", refresh=None, accept=("session",), store=store) as limen:
        receipt = limen.sign_out(old.access.reveal())
        assert receipt.sessions_ended is None
        refused = limen.authenticate(old.access.reveal())
        assert refused == Refused(Reason.UNKNOWN_SESSION)


def test_moving_to_zero_storage_keeps_the_roles_of_the_account():
    store = BlockingMemoryStore()
    with blocking("session", store=store) as before:
        account = before.add_account("ada@example.org", "correct horse battery", roles=["admin"])
        old = before.remember(Authentication(account.id, 1)).issued
    with blocking("jwt", refresh=None, accept=("session",), store=store) as limen:
        new = exchanged(limen, old)
        assert limen.authenticate(new.access.reveal()).principal.roles == {"admin"}
        assert new.refresh is None


@pytest.mark.proves("attack:89")
def test_a_strategy_that_is_not_accepted_is_refused():
    store = BlockingMemoryStore()
    with blocking("session", store=store) as before:
        old = before.remember(Authentication("usr_ada", 1)).issued
    with blocking("hybrid", store=store) as limen:
        assert limen.authenticate(old.access.reveal()) == Refused(Reason.UNRECOGNISED)

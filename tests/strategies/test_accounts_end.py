"""Deleting an account, and changing its address, as an administrator does."""

import pytest
from limens import STRATEGIES, blocking

from limen import Authenticated, Reason, Refused, SignedIn
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock

ADA, PASSWORD = "ada@example.org", "correct horse battery"


@pytest.mark.proves("asvs:7.4.2", "jwt:16")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_deleted_account_is_gone_with_all_its_sessions(strategy):
    clock = FrozenClock()
    with blocking(strategy, store=BlockingMemoryStore(), clock=clock) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        first = limen.sign_in(ADA, PASSWORD).issued
        second = limen.sign_in(ADA, PASSWORD).issued
        receipt = limen.delete_account(account)
        assert receipt.sessions_ended == 2
        clock.advance(receipt.effective_at - clock.now())
        for issued in (first, second):
            assert isinstance(limen.authenticate(issued.access.reveal()), Refused)
            assert isinstance(limen.refresh((issued.refresh or issued.access).reveal()), Refused)
        assert limen.account(account) is None
        assert limen.sessions(account) == ()
        assert limen.sign_in(ADA, PASSWORD) == Refused(Reason.BAD_CREDENTIALS)
        assert limen.delete_account(account) is None
        again = limen.sign_up(ADA, PASSWORD)
        assert isinstance(again, SignedIn)
        assert again.account.id != account
        assert isinstance(limen.authenticate(again.issued.access.reveal()), Authenticated)


def test_nobody_claims_to_know_what_a_strategy_does_not_keep():
    with blocking("jwt", refresh=None, store=BlockingMemoryStore()) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        assert isinstance(limen.sign_in(ADA, PASSWORD), SignedIn)
        for end in (limen.disable, limen.delete_account):
            receipt = end(account)
            assert receipt.sessions_ended is None
            assert receipt.effective_at > limen.assembly.clock.now()


def test_another_address_leaves_the_sessions_and_says_whether_it_is_verified():
    with blocking("session", store=BlockingMemoryStore()) as limen:
        account = limen.add_account(ADA, PASSWORD)
        held = limen.sign_in(ADA, PASSWORD).issued.access.reveal()
        moved = limen.set_email(account.id, " Ada@Example.NET ", verified=False)
        assert (moved.email, moved.email_verified) == ("ada@example.net", False)
        assert moved.revision == account.revision + 1
        sure = limen.set_email(account.id, "ada@example.net", verified=True)
        assert (sure.email_verified, sure.revision) == (True, moved.revision)
        assert isinstance(limen.authenticate(held), Authenticated)
        assert limen.sign_in(ADA, PASSWORD) == Refused(Reason.BAD_CREDENTIALS)
        assert isinstance(limen.sign_in("ada@example.net", PASSWORD), SignedIn)


def test_an_address_that_cannot_be_given_is_refused_and_changes_nothing():
    with blocking("session", store=BlockingMemoryStore()) as limen:
        account = limen.add_account(ADA, PASSWORD)
        limen.add_account("bob@example.org", PASSWORD)
        for email, reason in (
            ("no address", Reason.MALFORMED),
            ("Bob@example.org", Reason.EMAIL_TAKEN),
        ):
            assert limen.set_email(account.id, email, verified=True) == Refused(reason)
        late = limen.set_email(account.id, ADA, verified=True, replacing="old@example.org")
        assert late == Refused(Reason.ACCOUNT_CHANGED)
        assert limen.account(account.id) == account
        assert limen.set_email("usr_nobody", ADA, verified=True) is None

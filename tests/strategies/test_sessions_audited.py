"""What the audit log says of sessions that were proved again or had to give way."""

import pytest
from limens import STRATEGIES, blocking

from limen import Reason
from limen.audit import AuditKind
from limen.testing import FrozenClock

ADA, PASSWORD = "ada@example.org", "correct horse battery"


@pytest.mark.proves("asvs:16.3.1")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_proof_is_told_whether_it_was_one_or_not(strategy: str) -> None:
    with blocking(strategy) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        who = limen.sign_in(ADA, PASSWORD).issued.principal
        limen.reauthenticate(who, "not the password")
        new = limen.reauthenticate(who, PASSWORD).issued.principal
        accepted, refused = limen.audit(subject=account, limit=2)
        assert (accepted.kind, accepted.session_id) == (AuditKind.REAUTHENTICATED, new.session_id)
        assert dict(accepted.details) == {"methods": "pwd", "acr": "aal1", "strategy": strategy}
        assert refused.kind == AuditKind.REAUTHENTICATION_REFUSED
        assert refused.reason is Reason.BAD_CREDENTIALS
        assert refused.actor == accepted.actor == account


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_session_that_gives_way_is_told(strategy: str) -> None:
    clock = FrozenClock()
    with blocking(strategy, clock=clock, max_sessions=2) as limen:
        account = limen.add_account(ADA, PASSWORD).id
        first = limen.sign_in(ADA, PASSWORD).issued.principal
        for _ in range(2):
            clock.advance(1000)
            latest = limen.sign_in(ADA, PASSWORD).issued.principal
        gone, began = limen.audit(subject=account, limit=2)
        assert (gone.kind, gone.session_id) == (AuditKind.SESSION_EVICTED, first.session_id)
        assert (began.kind, began.session_id) == (AuditKind.SIGN_IN_ACCEPTED, latest.session_id)
        assert gone.id.startswith(began.id)
        assert gone.id != began.id
        limen.reauthenticate(latest, PASSWORD)  # takes the place of its own session only
        evicted = limen.audit(subject=account, kinds=[AuditKind.SESSION_EVICTED])
        assert len(evicted) == 1


def test_a_sign_in_that_was_refused_is_not_told_as_one() -> None:
    with blocking("session", max_sessions=1, on_limit="refuse") as limen:
        account = limen.add_account(ADA, PASSWORD).id
        limen.sign_in(ADA, PASSWORD)
        assert limen.sign_in(ADA, PASSWORD).reason is Reason.TOO_MANY_SESSIONS
        assert len(limen.audit(subject=account, kinds=[AuditKind.SIGN_IN_ACCEPTED])) == 1

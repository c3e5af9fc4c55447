"""What a process verified before is accepted again, and never for longer than it stands."""

import pytest
from limens import blocking

from limen import Authenticated, Authentication, Reason, Refused, StoreUnavailable, Target
from limen.effects import FindRevocation, FindSession, ReadLog
from limen.stores.memory import BlockingMemoryStore
from limen.testing import FrozenClock
from limen.trace import RingSink

FOLLOWING = [("hybrid", None), ("session", "feed")]
MAX_LAG = 2_000


class Line:
    """The line of one process to a shared store: counts what passes, and can be cut."""

    def __init__(self, store):
        self.store = store
        self.asked = []
        self.cut = ()

    def perform(self, effect):
        if isinstance(effect, self.cut):
            raise StoreUnavailable("the line is cut")
        self.asked.append(type(effect))
        return self.store.perform(effect)

    def open(self):
        self.store.open()

    def close(self):
        self.store.close()


@pytest.fixture(params=FOLLOWING, ids=lambda one: one[0])
def scene(request):
    strategy, check = request.param
    clock, store = FrozenClock(), BlockingMemoryStore()
    line = Line(store)
    with (
        blocking(strategy, store=store, clock=clock, check=check) as here,
        blocking(strategy, store=line, clock=clock, check=check) as there,
    ):
        issued = here.remember(Authentication("usr_ada", clock.now())).issued
        access = issued.access.reveal()
        assert isinstance(there.authenticate(access), Authenticated)
        line.asked.clear()
        yield clock, line, here, there, access


def test_a_credential_that_is_known_costs_no_read(scene):
    _, line, _, there, access = scene
    first = there.authenticate(access)
    assert there.authenticate(access) is first
    assert line.asked == []


@pytest.mark.proves("attack:82")
@pytest.mark.parametrize("kind", ["session", "user", "all"])
def test_a_revocation_elsewhere_is_heard_by_whoever_knows_the_credential(scene, kind):
    clock, _, here, there, access = scene
    target = {
        "session": Target.session(there.authenticate(access).principal.session_id),
        "user": Target.user("usr_ada"),
        "all": Target.everybody(),
    }[kind]
    here.revoke(target)
    clock.advance(100)  # the next look
    assert isinstance(there.authenticate(access), Refused)
    assert isinstance(here.authenticate(access), Refused)


def test_what_is_known_is_not_believed_once_the_feed_is_cut(scene):
    clock, line, here, there, access = scene
    line.cut = (ReadLog,)
    here.revoke(Target.user("usr_ada"))
    clock.advance(MAX_LAG)
    assert isinstance(there.authenticate(access), Refused)


def test_a_cut_line_refuses_to_guess_about_a_live_credential(scene):
    clock, line, _, there, access = scene
    line.cut = (ReadLog, FindSession, FindRevocation)
    assert isinstance(there.authenticate(access), Authenticated)  # within the lease
    clock.advance(MAX_LAG)
    with pytest.raises(StoreUnavailable):
        there.authenticate(access)
    line.cut = ()
    clock.advance(100)
    assert isinstance(there.authenticate(access), Authenticated)


def test_somebody_else_s_revocation_does_not_matter(scene):
    clock, _, here, there, access = scene
    here.revoke(Target.user("usr_grace"))
    clock.advance(100)
    assert isinstance(there.authenticate(access), Authenticated)


@pytest.mark.proves("asvs:8.3.2")
def test_roles_that_were_taken_away_are_gone_at_the_next_look():
    clock, store = FrozenClock(), BlockingMemoryStore()
    with (
        blocking("session", store=store, clock=clock, check="feed") as here,
        blocking("session", store=store, clock=clock, check="feed") as there,
    ):
        account = here.add_account("ada@example.org", "correct horse battery", roles={"admin"})
        issued = here.sign_in("ada@example.org", "correct horse battery").issued
        access = issued.access.reveal()
        assert there.authenticate(access).principal.has_role("admin")
        here.set_roles(account.id, frozenset())
        clock.advance(100)
        assert not there.authenticate(access).principal.has_role("admin")
        assert not here.authenticate(access).principal.has_role("admin")


def test_a_row_is_read_again_each_minute_and_its_use_written_down(scene):
    clock, line, _, there, access = scene
    clock.advance(59_999)
    assert isinstance(there.authenticate(access), Authenticated)
    assert FindSession not in line.asked
    if there.settings.strategy == "session":
        clock.advance(1)
        assert isinstance(there.authenticate(access), Authenticated)
        assert FindSession in line.asked


def test_a_token_that_is_known_ends_with_its_time(scene):
    clock, _, _, there, access = scene
    ends_at = there.authenticate(access).principal.expires_at
    clock.advance(ends_at - clock.now())
    assert isinstance(there.authenticate(access), Refused)


@pytest.mark.parametrize("strategy", ["jwt", "hybrid"])
def test_a_key_that_was_withdrawn_verifies_nothing_that_was_verified_before(strategy):
    with blocking(strategy, store=BlockingMemoryStore(), clock=FrozenClock()) as limen:
        issued = limen.remember(Authentication("usr_ada", 1)).issued
        verdict = limen.authenticate(issued.access.reveal())
        assert isinstance(limen.authenticate(issued.access.reveal()), Authenticated)
        limen.revoke(Target.key(verdict.principal.key_id))
        assert isinstance(limen.authenticate(issued.access.reveal()), Refused)


def test_nothing_is_remembered_where_the_store_is_to_be_asked():
    line = Line(BlockingMemoryStore())
    with blocking("session", store=line, clock=FrozenClock()) as limen:
        access = limen.remember(Authentication("usr_ada", 1)).issued.access.reveal()
        for _ in range(3):
            limen.authenticate(access)
        assert line.asked.count(FindSession) == 3


@pytest.mark.parametrize("strategy", ["jwt", "hybrid"])
@pytest.mark.parametrize("remembered", [0, 1, 2, 7])
def test_no_more_is_remembered_than_was_allowed(strategy, remembered):
    store = BlockingMemoryStore()
    with blocking(strategy, store=store, clock=FrozenClock(), remembered=remembered) as limen:
        tokens = [
            limen.remember(Authentication(f"usr_{number}", 1)).issued.access.reveal()
            for number in range(20)
        ]
        for token in tokens * 2:
            assert isinstance(limen.authenticate(token), Authenticated)
        assert len(limen._verified) <= remembered + remembered % 2
        assert bool(len(limen._verified)) is bool(remembered)


def test_the_trace_says_when_a_verdict_was_given_again():
    sink = RingSink()
    store = BlockingMemoryStore()
    with blocking("hybrid", store=store, clock=FrozenClock(), sink=sink) as limen:
        access = limen.remember(Authentication("usr_ada", 1)).issued.access.reveal()
        limen.authenticate(access)
        sink.clear()
        limen.authenticate(access)
    named = [check.name for event in sink.events for check in event.checks]
    assert named == ["verified before", "exp", "feed is fresh", "not revoked"]
    assert sum(event.reads for event in sink.events) == 0


def test_a_copy_with_one_character_more_is_not_the_same_credential(scene):
    _, _, _, there, access = scene
    changed = there.authenticate(access + "A")
    assert isinstance(changed, Refused)
    assert changed.reason in {Reason.MALFORMED, Reason.UNRECOGNISED, Reason.BAD_SIGNATURE}

"""A change of address, a removal: a crash between two steps leaves nobody let in."""

import json
from collections.abc import Iterator

import pytest
from redises import PATIENCE_MS, crash, store_over

from limen.account import PASSWORD_ISSUER
from limen.effects import (
    AddAccount,
    AttachCredential,
    Ended,
    FindAccount,
    FindRefresh,
    FindSession,
    KeepRevocations,
    ListIdentities,
    ListKept,
    ListSessions,
    OpenSession,
    Purge,
    ReadLog,
    Removal,
    RemoveAccount,
    RemoveIdentity,
    RotateRefresh,
    SetEmail,
    SetSessionFields,
)
from limen.errors import StoreUnavailable
from limen.revocation import Kind
from limen.session import Opened, refusal_of
from limen.stores.redis import BlockingRedisStore
from limen.stores.sql import BlockingSqlStore
from limen.testing.store_cases.case import HORIZON, NOW, account, digest, identity, session
from limen.verdict import Reason

WHO = "usr_ada"
OLD, NEW = "ada@example.org", "lady@example.org"
REMOVE = RemoveAccount(WHO, NOW, HORIZON)
MOVE = SetEmail(WHO, NEW, OLD, True, NOW)
UNLINK = RemoveIdentity(WHO, "1", NOW)  # the first one of an empty home


@pytest.fixture
def two(redis_url, database) -> Iterator[tuple]:
    """Give a store, its home, and the store of another process; an account and a session."""
    store, home = store_over(redis_url, database)
    other, _ = store_over(redis_url, database)
    store.perform(AddAccount(account(), "hash", identity()))
    opening = OpenSession(session(), 0, digest("ref one"), digest("fresh one"))
    assert isinstance(store.perform(opening), Opened)
    assert other.perform(FindSession(id="ses_one")).disabled is False  # a copy is kept now
    yield store, home, other
    store.close()
    other.close()


def marks(redis_server) -> int:
    with redis_server.client() as client:
        return client.zcard("{limen}:marks") + len(client.keys("{limen}:m:*"))


def grow_old(redis_server) -> None:
    """Let every mark be as old as one that nobody will lift."""
    with redis_server.client() as client:
        for name in client.zrange("{limen}:marks", 0, -1):
            client.zadd("{limen}:marks", {name: 1})


def nobody_is_let_in(store: BlockingRedisStore) -> None:
    """Every way in is shut, by what is held already and by a sign-in in flight."""
    for asked in (
        FindSession(id="ses_one"),
        FindSession(digest=digest("ref one")),
        FindRefresh(digest("fresh one"), NOW, 0),
        AttachCredential("ses_one", None, NOW),
    ):
        standing = store.perform(asked)
        assert standing is None or refusal_of(standing, NOW) is not None
    assert store.perform(RotateRefresh(digest("fresh one"), digest("x"), b"", NOW, 0)) is None
    for revision in (0, 1, None):
        assert store.perform(OpenSession(session("late"), revision)) is Reason.ACCOUNT_CHANGED
    assert store.perform(FindSession(id="ses_late")) is None


def test_a_crash_after_a_removal_leaves_no_working_session(two, redis_server) -> None:
    store, home, other = two
    home.after = (RemoveAccount, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(REMOVE)
    nobody_is_let_in(other)
    assert other.perform(FindAccount(id=WHO)) is None
    assert other.perform(ListSessions(WHO, NOW)) == ()
    # Signed tokens as well: the entry came before the account went.
    (entry,) = other.perform(ReadLog(0))
    assert (entry.kind, entry.subject) == (Kind.USER, WHO)
    assert other.perform(REMOVE) is None
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert marks(redis_server) == 0
    assert other.perform(FindSession(id="ses_one")) is None


def test_a_crash_before_the_home_changed_ends_sessions_and_the_account_stays(
    two, redis_server
) -> None:
    store, home, other = two
    home.before = (RemoveAccount, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(REMOVE)
    nobody_is_let_in(other)
    assert other.perform(FindAccount(id=WHO)) is not None
    grow_old(redis_server)
    # Whoever meets it finishes it, also where nobody keeps house.
    assert isinstance(other.perform(OpenSession(session("three"), 0)), Opened)
    assert marks(redis_server) == 0
    assert other.perform(FindSession(id="ses_three")) is not None
    assert other.perform(REMOVE) == Ended(1, other.perform(ReadLog(0))[-1].seq)


def test_a_crash_before_anything_ended_ends_nothing_until_it_is_finished(two, redis_server) -> None:
    store, home, other = two
    home.after = (KeepRevocations, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(REMOVE)
    assert [one.subject for one in other.perform(ListKept(0))] == [WHO]
    nobody_is_let_in(other)
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert other.perform(FindSession(id="ses_one")) is None
    assert marks(redis_server) == 0


def test_an_abandoned_removal_lets_nobody_in_while_others_are_finished_first(
    two, redis_server
) -> None:
    store, home, other = two
    home.after = (KeepRevocations, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(REMOVE)
    plain = BlockingSqlStore(home._store._url, timeout_ms=PATIENCE_MS)
    assert plain.perform(RemoveAccount(WHO, NOW)) == Ended(0)  # as if the home had gone on alone
    plain.close()
    with redis_server.client() as client:
        for number in range(250):  # more than one look finishes
            client.zadd("{limen}:marks", {f"t{number}/usr_{number}": 0})
            client.hset(f"{{limen}}:m:usr_{number}", f"t{number}", "[false, null, 0, 0]")
    grow_old(redis_server)
    for _ in range(3):
        found = other.perform(FindSession(id="ses_one"))
        assert found is None or refusal_of(found, NOW) is not None
    assert other.perform(FindSession(id="ses_one")) is None


def test_while_an_account_goes_nobody_signs_in(two) -> None:
    store, home, other = two
    looked: list[bool] = []

    def look() -> None:
        nobody_is_let_in(other)
        looked.append(True)

    home.before = home.after = (RemoveAccount, look)
    assert store.perform(REMOVE).sessions == 1
    assert looked == [True, True]
    assert other.perform(FindSession(id="ses_one")) is None
    assert len(other.perform(ReadLog(0))) == 1


def test_a_session_that_an_older_process_let_in_meanwhile_ends_too(two, redis_server) -> None:
    """It does not know what a removal's mark means, so the mark is hidden from it here."""
    store, home, other = two

    def begin() -> None:
        with redis_server.client() as client:
            marked = client.hgetall(f"{{limen}}:m:{WHO}")
            client.delete(f"{{limen}}:m:{WHO}")
            assert isinstance(other.perform(OpenSession(session("late"), 0)), Opened)
            client.hset(f"{{limen}}:m:{WHO}", mapping=marked)

    home.before = (RemoveAccount, begin)
    ended = store.perform(REMOVE)
    entries = store.perform(ReadLog(0))
    assert ended == Ended(2, entries[-1].seq)
    assert other.perform(FindSession(id="ses_late")) is None
    assert marks(redis_server) == 0


def test_a_removal_says_which_entry_it_appended(two) -> None:
    store, _, other = two
    ended = store.perform(REMOVE)
    (entry,) = other.perform(ReadLog(0))
    assert ended == Ended(1, entry.seq)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_another_address_lets_no_old_sign_in_pass(two, redis_server, moment) -> None:
    store, home, other = two
    setattr(home, moment, (SetEmail, crash))
    with pytest.raises(StoreUnavailable):
        store.perform(MOVE)
    changed = moment == "after"
    assert other.perform(FindAccount(id=WHO)).account.revision == changed
    assert (other.perform(OpenSession(session("old"), 0)) is Reason.ACCOUNT_CHANGED) is changed
    # Who is signed in already stays: an address ends nothing.
    assert refusal_of(other.perform(FindSession(id="ses_one")), NOW) is None
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert marks(redis_server) == 0
    assert (other.perform(OpenSession(session("older"), 0)) is Reason.ACCOUNT_CHANGED) is changed
    assert isinstance(other.perform(OpenSession(session("new"), int(changed))), Opened)
    assert refusal_of(other.perform(FindSession(id="ses_one")), NOW) is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_a_removed_password_lets_no_old_sign_in_pass(
    two, redis_server, moment
) -> None:
    store, home, other = two
    held = store.perform(ListIdentities(WHO))
    (password,) = [one for one in held if one.issuer == PASSWORD_ISSUER]
    removal = RemoveIdentity(WHO, password.id, NOW)
    setattr(home, moment, (RemoveIdentity, crash))
    with pytest.raises(StoreUnavailable):
        store.perform(removal)
    found = other.perform(FindAccount(id=WHO))
    assert (found.password_hash is None) is (moment == "after")
    assert found.account.revision == (moment == "after")
    if moment == "after":
        assert other.perform(OpenSession(session("old"), 0)) is Reason.ACCOUNT_CHANGED
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert marks(redis_server) == 0
    expected = Removal.UNKNOWN if moment == "after" else Removal.REMOVED
    assert other.perform(removal) is expected
    assert other.perform(OpenSession(session("old"), 0)) is Reason.ACCOUNT_CHANGED


@pytest.mark.parametrize("change", [MOVE, UNLINK, REMOVE], ids=lambda one: type(one).__name__)
def test_a_sign_in_that_read_the_account_before_a_change_comes_too_late(two, change) -> None:
    store, home, other = two
    home.after = (FindAccount, lambda: other.perform(change))
    assert store.perform(OpenSession(session("late"), 0)) is Reason.ACCOUNT_CHANGED
    assert home.after is None
    assert store.perform(FindSession(id="ses_late")) is None


def test_a_refused_change_leaves_no_mark(two, redis_server) -> None:
    store, home, other = two

    def rival() -> None:
        assert other.perform(SetEmail(WHO, "rival@example.org", OLD, True, NOW))

    home.before = (SetEmail, rival)
    assert store.perform(MOVE) is False
    (only, _) = store.perform(ListIdentities(WHO))
    assert store.perform(RemoveIdentity("usr_eve", only.id, NOW)) is Removal.UNKNOWN
    assert store.perform(RemoveAccount("usr_eve", NOW, HORIZON)) is None
    assert marks(redis_server) == 0
    assert store.perform(FindSession(id="ses_one")) is not None


# -- a process of the version before, on the same Redis


@pytest.mark.proves("attack:88")
def test_what_is_kept_of_a_session_is_what_an_older_process_reads(two, redis_server) -> None:
    store, _, _ = two
    store.perform(SetSessionFields("ses_one", '{"a": 1}'))
    with redis_server.client() as client:
        (name,) = client.keys("{limen}:s:*")
        authenticated, methods, address, agent, remembered, roles = json.loads(
            client.hget(name, "body")
        )
        assert (authenticated, methods, roles) == (NOW - 5, ["pwd", "otp"], [])
        assert (address, agent, remembered) == ("192.0.2.7", "curl/8", False)


@pytest.mark.proves("attack:88")
def test_a_session_of_an_older_process_is_read_and_gets_fields(two, redis_server) -> None:
    store, _, _ = two
    with redis_server.client() as client:
        (name,) = client.keys("{limen}:s:*")
        assert client.hget(name, "fields") is None  # as the version before left it
    assert store.perform(FindSession(id="ses_one")).session == session()
    assert store.perform(SetSessionFields("ses_one", '{"a": 1}')) == session(fields='{"a": 1}')

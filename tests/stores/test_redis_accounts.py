"""Accounts live elsewhere: what Redis knows of them is never older than what it decides."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redises import crash, store_over

from limen.effects import (
    AddAccount,
    AttachCredential,
    FindAccount,
    FindSession,
    KeepRevocations,
    ListKept,
    OpenSession,
    Purge,
    ReadLog,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetPassword,
    UpdateAccount,
)
from limen.errors import StoreUnavailable
from limen.revocation import Kind, Target
from limen.session import Opened, refusal_of
from limen.stores.sql import BlockingSqlStore
from limen.testing.store_cases.case import HORIZON, NOW, account, digest, session
from limen.verdict import Reason

WHO = "usr_ada"
DISABLE = SetDisabled(WHO, True, NOW, HORIZON)
PASSWORD = SetPassword(
    WHO, "new", 0, NOW, moves_on=True, revoke=True, keep="ses_two", horizon=HORIZON
)


@pytest.fixture
def two(redis_url, database) -> Iterator[tuple]:
    """Give a store, its home, and the store of another process; an account and two sessions."""
    store, home = store_over(redis_url, database)
    other, _ = store_over(redis_url, database)
    store.perform(AddAccount(account(), "hash"))
    for name in ("one", "two"):
        opening = OpenSession(session(name), 0, digest(f"ref {name}"), digest(f"fresh {name}"))
        assert isinstance(store.perform(opening), Opened)
    yield store, home, other
    store.close()
    other.close()


def grow_old(redis_server) -> None:
    """Let every mark be as old as one that nobody will lift."""
    with redis_server.client() as client:
        for name in client.zrange("{limen}:marks", 0, -1):
            client.zadd("{limen}:marks", {name: 1})


def marks(redis_server) -> int:
    with redis_server.client() as client:
        return client.zcard("{limen}:marks") + len(client.keys("{limen}:m:*"))


def test_a_crash_after_a_disable_leaves_no_working_session(two, redis_server) -> None:
    store, home, other = two
    assert other.perform(FindSession(id="ses_one")).disabled is False  # a copy is kept now
    home.after = (SetDisabled, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(DISABLE)
    for asked in (
        FindSession(id="ses_one"),
        FindSession(digest=digest("ref one")),
        AttachCredential("ses_one", None, NOW),
    ):
        assert refusal_of(other.perform(asked), NOW) is Reason.ACCOUNT_DISABLED
    rotation = RotateRefresh(digest("fresh one"), digest("x"), b"", NOW, 0)
    assert other.perform(rotation) is None
    assert other.perform(OpenSession(session("three"), None)) is Reason.ACCOUNT_CHANGED
    # Housekeeping leaves it alone while somebody may still be at it.
    assert other.perform(Purge(NOW)) == 0
    assert other.perform(FindSession(id="ses_one")) is not None
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert other.perform(FindSession(id="ses_one")) is None
    (entry,) = other.perform(ReadLog(0))
    assert (entry.kind, entry.subject) == (Kind.USER, WHO)
    assert marks(redis_server) == 0


def test_a_crash_before_the_home_changed_ends_sessions_and_nothing_else(two, redis_server) -> None:
    store, home, other = two
    home.before = (SetDisabled, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(DISABLE)
    assert refusal_of(other.perform(FindSession(id="ses_one")), NOW) is None
    grow_old(redis_server)
    # Whoever meets it finishes it, also where nobody keeps house.
    assert other.perform(FindSession(id="ses_one")) is None
    assert marks(redis_server) == 0
    assert isinstance(other.perform(OpenSession(session("three"), 0)), Opened)


def test_a_crash_after_a_new_password_ends_the_other_sessions_later(two, redis_server) -> None:
    store, home, other = two
    home.after = (SetPassword, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(PASSWORD)
    assert other.perform(OpenSession(session("old"), 0)) is Reason.ACCOUNT_CHANGED
    grow_old(redis_server)
    other.perform(Purge(NOW))
    assert other.perform(FindSession(id="ses_one")) is None
    assert other.perform(FindSession(id="ses_two")) is not None
    assert [one.subject for one in other.perform(ReadLog(0))] == ["ses_one"]
    assert isinstance(other.perform(OpenSession(session("new"), 1)), Opened)


def test_what_a_password_ends_is_kept_before_the_password_changes(two) -> None:
    store, home, other = two
    home.after = (KeepRevocations, crash)
    with pytest.raises(StoreUnavailable):
        store.perform(PASSWORD)
    assert other.perform(FindAccount(id=WHO)).password_hash == "hash"
    assert [one.subject for one in other.perform(ListKept(0))] == ["ses_one"]


def test_a_refused_password_ends_nothing_and_leaves_no_mark(two, redis_server) -> None:
    store, home, other = two

    def rival() -> None:
        assert other.perform(SetPassword(WHO, "rival", 0, NOW, moves_on=True))

    home.before = (SetPassword, rival)
    assert store.perform(PASSWORD) is False
    assert store.perform(FindAccount(id=WHO)).password_hash == "rival"
    assert store.perform(FindSession(id="ses_one")) is not None
    assert store.perform(ReadLog(0)) == ()
    assert marks(redis_server) == 0


def test_the_home_ends_nothing_by_itself(two, database) -> None:
    store, _, _ = two
    store.perform(PASSWORD)
    store.perform(replace(PASSWORD, revision=1, keep=None))
    store.perform(DISABLE)
    plain = BlockingSqlStore(database)
    assert plain.perform(ReadLog(0)) == ()
    assert {one.kind for one in plain.perform(ListKept(0))} == {Kind.SESSION, Kind.USER}
    plain.close()


@pytest.mark.proves("attack:80")
def test_a_sign_in_that_read_the_account_before_a_disable_comes_too_late(two) -> None:
    store, home, other = two
    home.after = (FindAccount, lambda: other.perform(DISABLE))
    assert store.perform(OpenSession(session("three"), 0)) is Reason.ACCOUNT_CHANGED
    assert store.perform(FindSession(id="ses_three")) is None


@pytest.mark.proves("attack:80")
def test_a_sign_in_that_read_the_account_while_it_changed_comes_too_late(two) -> None:
    """It asked when the account was marked already, and read it before the home changed."""
    store, home, other = two
    other_home = other._home
    read, done = threading.Event(), threading.Event()
    answers: list[object] = []

    def linger() -> None:
        read.set()
        assert done.wait(60)

    other_home.after = (FindAccount, linger)
    late = threading.Thread(
        target=lambda: answers.append(other.perform(OpenSession(session("three"), 0)))
    )

    def begin_late() -> None:
        late.start()
        assert read.wait(60)

    home.before = (SetDisabled, begin_late)
    store.perform(DISABLE)
    done.set()
    late.join()
    assert answers == [Reason.ACCOUNT_CHANGED]
    assert store.perform(FindSession(id="ses_three")) is None


def test_a_sign_in_that_read_the_account_before_new_roles_comes_too_late(two) -> None:
    store, home, other = two
    roles = UpdateAccount(WHO, NOW, roles=frozenset({"admin"}))
    home.after = (FindAccount, lambda: other.perform(roles))
    assert store.perform(OpenSession(session("three"), 0)) is Reason.ACCOUNT_CHANGED
    assert isinstance(store.perform(OpenSession(session("three"), 1)), Opened)


@pytest.mark.proves("attack:82")
def test_an_account_that_was_read_before_it_changed_is_not_copied(two, redis_server) -> None:
    store, home, other = two
    with redis_server.client() as client:
        client.delete(f"{{limen}}:a:{WHO}")
    roles = UpdateAccount(WHO, NOW, roles=frozenset({"admin"}))
    home.after = (FindAccount, lambda: other.perform(roles))
    assert store.perform(FindSession(id="ses_one")).roles == {"admin"}
    assert other.perform(FindSession(id="ses_one")).roles == {"admin"}


def test_nobody_keeps_a_copy_while_the_account_changes(two, redis_server) -> None:
    store, home, other = two

    def look() -> None:
        assert other.perform(FindSession(id="ses_one")).roles == {"reader", "writer"}
        with redis_server.client() as client:
            assert client.exists(f"{{limen}}:a:{WHO}") == 0

    home.before = (UpdateAccount, look)
    store.perform(UpdateAccount(WHO, NOW, roles=frozenset({"admin"})))
    assert other.perform(FindSession(id="ses_one")).roles == {"admin"}


def test_a_request_reads_the_home_once_and_then_for_a_while_not_again(two) -> None:
    store, home, _ = two
    asked: list[int] = []

    def count() -> None:
        asked.append(1)
        home.before = (FindAccount, count)

    store.perform(UpdateAccount(WHO, NOW, roles=frozenset({"admin"})))
    home.before = (FindAccount, count)
    for _ in range(5):
        assert store.perform(FindSession(digest=digest("ref one"))).roles == {"admin"}
    assert len(asked) == 1


def test_a_copy_does_not_last(two, redis_server) -> None:
    """Somebody may have changed the account in the home without Redis."""
    store, _, _ = two
    store.perform(FindSession(id="ses_one"))
    with redis_server.client() as client:
        assert 0 < client.pttl(f"{{limen}}:a:{WHO}") <= 300_000


def test_a_subject_without_an_account_gets_one(two) -> None:
    store, _, other = two
    assert isinstance(store.perform(OpenSession(session("new", "usr_new"), None)), Opened)
    assert other.perform(FindSession(id="ses_new")).roles == frozenset()
    other.perform(AddAccount(account("new", disabled=True), None))
    assert store.perform(FindSession(id="ses_new")).disabled


def test_a_cancelled_change_is_carried_through(redis_url, database, redis_server) -> None:
    from limen.stores.redis import RedisStore
    from limen.stores.sql import SqlStore

    async def main() -> None:
        store = RedisStore(redis_url, SqlStore(database))
        await store.perform(AddAccount(account(), "hash"))
        await store.perform(OpenSession(session(), 0))
        for effect in (DISABLE, Revoke(Target.everybody(), NOW, HORIZON)):
            asking = asyncio.create_task(store.perform(effect))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await store.close()
        again = RedisStore(redis_url, SqlStore(database))
        assert await again.perform(FindSession(id="ses_one")) is None
        kinds = {one.kind for one in await again.perform(ReadLog(0))}
        assert kinds == {Kind.USER, Kind.ALL}
        assert (await again.perform(FindAccount(id=WHO))).account.disabled
        await again.close()

    asyncio.run(main())
    assert marks(redis_server) == 0

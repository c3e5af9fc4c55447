"""The SQL stores over a real PostgreSQL."""

import asyncio
import random
import threading
import time
from dataclasses import replace

import psycopg
import pytest
from proxy import Proxy
from servers import PostgresServer
from sqlalchemy import make_url

from limen.effects import (
    AddAccount,
    AddIdentity,
    FindSession,
    Increment,
    ListAccounts,
    ListIdentities,
    ListSessions,
    OpenSession,
    Purge,
    ReadLog,
    RemoveAccount,
    RemoveIdentity,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetEmail,
    SetPassword,
    SetUsername,
    TouchSession,
    UpdateAccount,
    UpdateIdentity,
)
from limen.errors import ConfigurationError, StoreUnavailable
from limen.revocation import Kind, Target
from limen.session import SessionLimit
from limen.stores.sql import BlockingSqlStore, SqlStore
from limen.stores.sql.database import blocking_engine
from limen.stores.sql.log import append
from limen.testing.store_cases.case import (
    HORIZON,
    NOW,
    account,
    add_account,
    digest,
    identity,
    open_session,
    session,
    together,
)
from limen.testing.stores import MakeStore, StoreSuite, ThreadedStore

PATIENCE_MS = 60_000  # a busy machine is no fault
SHORT_MS = 400


class TestPostgresqlStore(StoreSuite):
    @pytest.fixture
    def make_store(self, postgresql_url: str) -> MakeStore:
        return lambda: SqlStore(postgresql_url, timeout_ms=PATIENCE_MS)


class TestBlockingPostgresqlStore(StoreSuite):
    @pytest.fixture
    def make_store(self, postgresql_url: str) -> MakeStore:
        return lambda: ThreadedStore(BlockingSqlStore(postgresql_url, timeout_ms=PATIENCE_MS))


def raw(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+asyncpg", ""), autocommit=True)


def wait_for_lock(url: str, thread: threading.Thread) -> None:
    """Return when somebody waits for an advisory lock; fail if the thread just finishes."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    until = time.monotonic() + 30
    with raw(url) as watcher:
        while watcher.execute(waiting).fetchone() == (0,):
            assert thread.is_alive(), "the second append did not wait for the first"
            assert time.monotonic() < until
            time.sleep(0.01)


def test_an_append_waits_for_the_one_before_so_no_gap_is_filled_later(postgresql_url) -> None:
    engine = blocking_engine(postgresql_url, PATIENCE_MS, 2)
    store = BlockingSqlStore(postgresql_url)
    other = BlockingSqlStore(postgresql_url)
    second = threading.Thread(
        target=lambda: other.perform(Revoke(Target.key("second"), NOW, HORIZON))
    )
    try:
        with engine.connect() as first, first.begin():
            seq = append(first, Kind.KEY, ["first"], NOW, HORIZON)
            second.start()
            wait_for_lock(postgresql_url, second)
            # Whatever a reader sees now, nothing may appear before it later.
            assert store.perform(ReadLog(0)) == ()
        second.join()
        entries = store.perform(ReadLog(0))
        assert [(one.seq, one.subject) for one in entries] == [(seq, "first"), (seq + 1, "second")]
    finally:
        second.join()
        engine.dispose()
        store.close()
        other.close()


def test_verbs_of_every_kind_never_wait_in_a_circle(postgresql_url) -> None:
    choose = random.Random(7)
    subjects = [f"usr_{n}" for n in range(3)]

    def effects(n: int) -> list:
        subject = choose.choice(subjects)
        return [
            OpenSession(session(f"x{n}", subject), None, digest(f"a{n}"), digest(f"b{n}")),
            OpenSession(session(f"y{n}", subject), None, limit=SessionLimit(3), horizon=HORIZON),
            OpenSession(session(f"z{n}", subject), None, replaces=f"ses_x{n - 1}", horizon=HORIZON),
            RotateRefresh(digest(f"b{n - 1}"), digest(f"c{n}"), b"s", NOW, 0, HORIZON),
            TouchSession(f"ses_x{n - 2}", NOW + n),
            Revoke(Target.user(subject, keep=f"ses_x{n - 3}"), NOW, HORIZON),
            Revoke(Target.everybody(), NOW, HORIZON),
            SetDisabled(subject, bool(n % 2), NOW, HORIZON),
            Purge(NOW + HORIZON * choose.randrange(2)),
            Increment(subject, HORIZON, NOW),
        ]

    async def main() -> None:
        store = SqlStore(postgresql_url, timeout_ms=PATIENCE_MS)
        for n in range(3):
            await add_account(store, str(n))
        wanted = [effect for n in range(40) for effect in effects(n)]
        choose.shuffle(wanted)
        await together(*(store.perform(effect) for effect in wanted))
        await store.close()

    asyncio.run(main())


def test_changes_of_accounts_never_wait_in_a_circle(postgresql_url) -> None:
    """They want each other's addresses, names and identities, and some go and come back."""
    choose = random.Random(7)
    names = [str(n) for n in range(4)]

    def effects(n: int) -> list:
        name, other = choose.sample(names, 2)
        who, email = f"usr_{name}", f"{name}@example.org"
        link = identity(name, choose.choice(names))
        new = account(name, username=other, display_username=other)
        return [
            SetEmail(who, f"{other}@example.org", email, True, NOW),
            SetEmail(who, email, f"{other}@example.org", True, NOW),
            SetUsername(who, other, other, NOW),
            AddIdentity(link, choose.randrange(9)),
            UpdateIdentity(link.issuer, link.subject, (), b"x", NOW),
            RemoveIdentity(who, str(choose.randrange(1, 60)), NOW),
            SetPassword(who, "new", choose.randrange(9), NOW, True, True, horizon=HORIZON),
            UpdateAccount(who, NOW, roles=frozenset()),
            OpenSession(session(f"x{n}", who), None, digest(f"a{n}"), digest(f"b{n}")),
            RotateRefresh(digest(f"b{n - 1}"), digest(f"c{n}"), b"s", NOW, 0, HORIZON),
            RemoveAccount(who, NOW, HORIZON),
            AddAccount(new, "hash", replace(link, subject=choose.choice(names))),
            Revoke(Target.everybody(), NOW, HORIZON),
        ]

    async def main() -> None:
        store = SqlStore(postgresql_url, timeout_ms=PATIENCE_MS)
        for name in names:
            await add_account(store, name)
        wanted = [effect for n in range(60) for effect in effects(n)]
        choose.shuffle(wanted)
        asked = (store.perform(effect) for effect in wanted)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        faults = {str(answer) for answer in answers if isinstance(answer, Exception)}
        # An account that comes back may still be there, under another address.
        assert faults <= {"the store refused an id that it has already"}
        kept = await store.perform(ListAccounts(limit=99))
        for one in kept:
            held = await store.perform(ListIdentities(one.id))
            assert held
            assert {way.account_id for way in held} == {one.id}
        await store.close()

    asyncio.run(main())


def test_an_address_that_somebody_is_leaving_is_taken_until_they_have(postgresql_url) -> None:
    """Whoever waited for it could be waited for: two may want each other's."""
    store = BlockingSqlStore(postgresql_url)
    for name in ("ada", "bob"):
        made = account(name, username=name, display_username=name)
        assert store.perform(AddAccount(made, "hash"))
    email = SetEmail("usr_ada", "bob@example.org", "ada@example.org", True, NOW)
    username = SetUsername("usr_ada", "bob", "Bob", NOW)
    leave = "UPDATE limen_account SET email = 'x', username = 'x' WHERE id = 'usr_bob'"
    with raw(postgresql_url) as rival:
        with rival.transaction():
            rival.execute(leave)
            # Nobody waits for the rival here, or this would never come back.
            assert store.perform(email) is False
            assert store.perform(username) is False
        assert store.perform(email) is True
        assert store.perform(username) is True
    store.close()


@pytest.mark.proves("asvs:15.4.3")
def test_a_wait_for_a_lock_ends_and_nothing_is_assumed(postgresql_url) -> None:
    async def main() -> None:
        store = SqlStore(postgresql_url, timeout_ms=SHORT_MS)
        blocking = BlockingSqlStore(postgresql_url, timeout_ms=SHORT_MS)
        await open_session(store)
        with raw(postgresql_url) as rival, rival.transaction():
            rival.execute("SELECT * FROM limen_session FOR UPDATE")
            with pytest.raises(StoreUnavailable):
                await store.perform(TouchSession("ses_one", NOW + 1))
            with pytest.raises(StoreUnavailable) as fault:
                await asyncio.to_thread(blocking.perform, TouchSession("ses_one", NOW + 1))
            # The cause is kept, with its statement and without what the statement was given.
            told = f"{fault.value} {fault.value.__cause__}"
            assert "UPDATE limen_session" in told
            assert "ses_one" not in told
        assert await store.perform(ListSessions("usr_ada", NOW)) == (session(),)
        assert await store.perform(TouchSession("ses_one", NOW + 1))
        assert blocking.perform(TouchSession("ses_one", NOW + 1))
        await store.close()
        blocking.close()

    asyncio.run(main())


def test_a_stopped_server_is_unavailable_and_a_restarted_one_is_used_again() -> None:
    server = PostgresServer()

    async def main() -> None:
        url = server.database()
        store, blocking = SqlStore(url), BlockingSqlStore(url)
        await open_session(store)
        asked = FindSession(id="ses_one")
        assert blocking.perform(asked) is not None
        server.stop()
        for effect in (asked, TouchSession("ses_one", NOW)):
            with pytest.raises(StoreUnavailable):
                await store.perform(effect)
            with pytest.raises(StoreUnavailable):
                blocking.perform(effect)
        with pytest.raises(StoreUnavailable):
            await store.open()
        with pytest.raises(StoreUnavailable):
            blocking.open()
        server.start()
        assert await store.perform(asked) is not None
        assert blocking.perform(asked) is not None
        await store.open()
        blocking.open()
        # A restart that no request met goes unnoticed.
        server.stop()
        server.start()
        assert await store.perform(asked) is not None
        assert blocking.perform(asked) is not None
        await store.close()
        blocking.close()

    try:
        asyncio.run(main())
    finally:
        server.remove()


def test_a_server_that_refuses_us_is_unavailable(postgresql_url) -> None:
    nowhere = postgresql_url.rpartition("/")[0] + "/no_such_database"
    store = SqlStore(nowhere)

    async def main() -> None:
        with pytest.raises(StoreUnavailable):
            await store.open()
        await store.close()

    asyncio.run(main())
    blocking = BlockingSqlStore(nowhere)
    with pytest.raises(StoreUnavailable):
        blocking.open()
    blocking.close()


@pytest.mark.parametrize("kind", [SqlStore, BlockingSqlStore])
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_spelling_of_the_scheme_names_the_right_driver(kind, scheme) -> None:
    assert repr(kind(f"{scheme}://limen@127.0.0.1/x?sslmode=require")) == (
        f"<{kind.__name__} postgresql>"
    )


def test_another_database_is_refused_without_showing_its_password() -> None:
    for url in ("mysql://ada:hunter2@127.0.0.1/x", "hunter2"):
        with pytest.raises(ConfigurationError) as refusal:
            SqlStore(url)
        assert "hunter2" not in str(refusal.value)
        assert refusal.value.__context__ is None


def test_connections_that_were_lost_on_the_way_are_replaced(postgresql_url, monkeypatch) -> None:
    server = make_url(postgresql_url)
    asked, written = FindSession(id="ses_one"), TouchSession("ses_one", NOW + 1)

    async def main(proxy: Proxy) -> None:
        by_proxy = server.set(port=proxy.port).render_as_string(hide_password=False)
        store = SqlStore(by_proxy, timeout_ms=PATIENCE_MS)

        def lose() -> None:
            assert proxy.cut() == 1
            proxy.restore()

        await open_session(store)
        lose()
        await asyncio.sleep(0.5)  # so that the event loop hears of it
        assert await store.perform(written)
        lose()  # nobody has heard: a read finds out, and reads again
        assert await store.perform(asked) is not None
        monkeypatch.setattr("limen.stores.sql.database.IDLE_MS", 0)
        lose()  # nobody has heard: who has rested is asked
        assert await store.perform(written)
        await store.close()

    with Proxy(server.port or 5432) as proxy:
        asyncio.run(main(proxy))

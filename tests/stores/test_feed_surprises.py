"""What may happen to a feed that nobody told it of: none of it may let a revoked one back in."""

import asyncio
import os
import sqlite3
from multiprocessing import get_context

import pytest
from sqlalchemy import text

from limen.effects import FindSession, Revoke
from limen.errors import StoreUnavailable
from limen.feeds import BlockingFollowingFeed, BlockingWatchingFeed, FollowingFeed, WatchingFeed
from limen.revocation import Target
from limen.stores.sql import BlockingSqlStore, SqlStore, migrate
from limen.testing import FrozenClock
from limen.testing.store_cases.case import open_session

NEVER = 3_600_000  # ms: an interval at which nobody looks by himself while a test runs
HORIZON = 300_000


@pytest.fixture
def make_url(tmp_path):
    def make(name="app"):
        url = f"sqlite+aiosqlite:///{tmp_path}/{name}.db"
        migrate(url)
        return url

    return make


class OneAddress:
    """Two servers behind one address, as after a failover that no connection attempt shows."""

    def __init__(self, primary, standby):
        self.serving = self.primary = primary
        self.standby = standby

    def perform(self, effect):
        return self.serving.perform(effect)


def _behind_one_address(kind, make_url, clock):
    """Return an address whose standby lacks the last of three entries, and gives it to another."""
    address = OneAddress(kind(make_url("primary")), kind(make_url("standby")))
    early = [Revoke(Target.user(name), clock.now(), HORIZON) for name in ("one", "two")]
    last = Revoke(Target.user("three"), clock.now(), HORIZON)
    news = Revoke(Target.user("four"), clock.now(), HORIZON)
    return address, early, last, news


@pytest.mark.proves("attack:83")
def test_a_standby_that_takes_over_unnoticed_is_read_from_its_start(make_url):
    clock = FrozenClock()
    address, early, last, news = _behind_one_address(BlockingSqlStore, make_url, clock)
    feed = BlockingFollowingFeed(address, clock, max_lag=2_000, interval=NEVER)
    for effect in early:
        address.primary.perform(effect)
        address.standby.perform(effect)
    address.primary.perform(last)
    feed.catch_up()
    address.serving = address.standby
    assert address.perform(news).seq == feed.view.seq  # the number stands for another one now
    feed.catch_up()
    assert feed.view.covers("s", "four", None, 0)
    assert feed.view.covers("s", "three", None, 0)  # what was known is not forgotten
    for store in (address.primary, address.standby):
        store.close()


def test_the_same_on_an_event_loop(make_url):
    clock = FrozenClock()
    address, early, last, news = _behind_one_address(SqlStore, make_url, clock)

    async def scenario():
        feed = FollowingFeed(address, clock, max_lag=2_000, interval=NEVER)
        for effect in early:
            await address.primary.perform(effect)
            await address.standby.perform(effect)
        await address.primary.perform(last)
        await feed.start()
        address.serving = address.standby
        assert (await address.perform(news)).seq == feed.view.seq
        await feed.catch_up()
        assert feed.view.covers("s", "four", None, 0)
        await feed.stop()
        for store in (address.primary, address.standby):
            await store.close()

    asyncio.run(scenario())


def test_a_look_that_is_broken_off_is_taken_up_by_the_next(make_url, monkeypatch):
    store, clock = BlockingSqlStore(make_url()), FrozenClock()
    watch = store.watch()
    feed = BlockingWatchingFeed(watch, clock, max_lag=2_000, look_ns=0)
    assert feed.is_fresh()
    store.perform(Revoke(Target.user("mallory"), clock.now(), HORIZON))

    def interrupted(after, limit):
        raise KeyboardInterrupt  # as a signal does, wherever the process happens to be

    with monkeypatch.context() as during:
        during.setattr(watch, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            feed.is_fresh()
    assert feed.is_fresh()
    assert feed.view.covers("s", "mallory", None, 0)
    feed.close()
    store.close()


def test_an_entry_of_a_later_version_is_not_passed_over(make_url, tmp_path):
    store, clock = BlockingSqlStore(make_url()), FrozenClock()
    feed = BlockingWatchingFeed(store.watch(), clock, max_lag=2_000, look_ns=0)
    assert feed.is_fresh()
    with sqlite3.connect(tmp_path / "app.db") as writer:
        writer.execute(
            "INSERT INTO limen_revocation (kind, subject, not_before, expires_at)"
            " VALUES ('tenant', 'acme', 1, 9000000000000)"
        )
    writer.close()
    for _ in range(2):
        assert not feed.is_fresh()
        with pytest.raises(StoreUnavailable, match=r"kind 'tenant'.* update this process too"):
            feed.catch_up()
    feed.close()
    store.close()


def test_a_key_that_is_withdrawn_while_the_keys_are_read_is_read_too(make_url):
    url, clock, read = make_url(), FrozenClock(), []

    async def scenario():
        store = SqlStore(url)

        async def on_key():
            read.append(feed.view.seq)
            if len(read) == 1:
                await store.perform(Revoke(Target.key("second"), clock.now(), HORIZON))
                assert feed.is_fresh()  # a request looks meanwhile

        feed = WatchingFeed(store.watch(), clock, max_lag=2_000, interval=NEVER, on_key=on_key)
        await feed.start()
        await store.perform(Revoke(Target.key("first"), clock.now(), HORIZON))
        await feed.catch_up()
        await feed.catch_up()
        assert read == [1, 2]
        await feed.stop()
        await store.close()

    asyncio.run(scenario())


def test_a_child_of_a_fork_does_not_talk_on_its_parents_line(postgresql_url):
    async def prepare():
        store = SqlStore(postgresql_url)
        await open_session(store)
        await store.close()

    asyncio.run(prepare())
    store = BlockingSqlStore(postgresql_url)

    def line():
        assert store.perform(FindSession(id="ses_one")) is not None
        with store._reading.connect() as connection:
            return connection.scalar(text("SELECT pg_backend_pid()"))

    context = get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def child():
        tell.send(line())
        os._exit(0)

    mine = line()
    forked = context.Process(target=child)
    forked.start()
    its = told.recv()
    forked.join()
    assert line() == mine
    assert its != mine
    store.close()

"""The feeds that SQLite and PostgreSQL allow: pushed, never late, never guessing."""

import asyncio
import shutil
import sqlite3
import time

import pytest

from limen.effects import Revoke
from limen.errors import StoreUnavailable
from limen.feeds import BlockingWatchingFeed, FollowingFeed, WatchingFeed, feed_for
from limen.revocation import Target
from limen.stores.sql import BlockingSqlStore, SqlStore, migrate
from limen.testing import FrozenClock, StepClock

NEVER = 3_600_000  # ms: an interval at which nobody looks by himself while a test runs
HORIZON = 300_000


@pytest.fixture
def url(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/app.db"
    migrate(url)
    return url


async def heard_of(feed, subject):
    """Wait until a feed knows of a revocation, however it came to know."""
    news = asyncio.Event()
    feed.tell(lambda _: news.set())
    async with asyncio.timeout(30):
        while not feed.view.covers("s", subject, None, 0):
            await news.wait()
            news.clear()


def test_each_store_gets_the_best_feed_that_it_allows(url, postgresql_url):
    async def scenario():
        for at, kind in ((url, WatchingFeed), (postgresql_url, FollowingFeed)):
            store = SqlStore(at)
            feed = feed_for(store, FrozenClock(), max_lag=2_000, interval=100)
            assert type(feed) is kind
            await feed.start()
            await feed.stop()
            await store.close()

    asyncio.run(scenario())


def test_a_check_on_sqlite_sees_what_another_process_committed_a_moment_ago(url):
    here, there = BlockingSqlStore(url), BlockingSqlStore(url)
    clock = FrozenClock()
    feed = BlockingWatchingFeed(there.watch(), clock, max_lag=2_000, look_ns=0)
    for number in range(50):
        name = f"usr_{number}"
        assert feed.is_fresh()
        assert not feed.view.covers("s", name, None, 0)
        here.perform(Revoke(Target.user(name), clock.now(), HORIZON))
        assert feed.is_fresh()
        assert feed.view.covers("s", name, None, 0)
    feed.close()


def test_checks_that_follow_each_other_at_once_share_a_look(url):
    here, there = BlockingSqlStore(url), BlockingSqlStore(url)
    clock = FrozenClock()
    feed = BlockingWatchingFeed(there.watch(), clock, max_lag=2_000, look_ns=3_600 * 10**9)
    assert feed.is_fresh()
    here.perform(Revoke(Target.user("usr_a"), clock.now(), HORIZON))
    assert feed.is_fresh()
    assert not feed.view.covers("s", "usr_a", None, 0)
    feed.catch_up()  # as after a revocation of this process
    assert feed.view.covers("s", "usr_a", None, 0)
    feed.close()


def test_a_look_is_good_for_half_a_millisecond(url):
    here, there = BlockingSqlStore(url), BlockingSqlStore(url)
    clock = FrozenClock()
    feed = BlockingWatchingFeed(there.watch(), clock, max_lag=2_000)
    assert feed.is_fresh()
    here.perform(Revoke(Target.user("usr_a"), clock.now(), HORIZON))
    time.sleep(0.0006)
    assert feed.is_fresh()
    assert feed.view.covers("s", "usr_a", None, 0)
    feed.close()


def test_a_file_that_cannot_be_read_is_not_believed(url, tmp_path):
    store = BlockingSqlStore(url)
    feed = BlockingWatchingFeed(store.watch(), FrozenClock(), max_lag=2_000, look_ns=0)
    assert feed.is_fresh()
    store.close()
    writer = sqlite3.connect(tmp_path / "app.db")
    writer.execute("ALTER TABLE limen_revocation RENAME TO gone")
    writer.commit()
    assert not feed.is_fresh()
    writer.execute("ALTER TABLE gone RENAME TO limen_revocation")
    writer.commit()
    writer.close()
    assert feed.is_fresh()
    feed.close()


def test_a_backup_put_in_place_after_a_fault_is_read_from_its_start(url, tmp_path):
    """It gives old numbers to new entries, so going on from the last one would miss them."""
    clock = FrozenClock()
    store = BlockingSqlStore(url)
    store.perform(Revoke(Target.user("usr_before"), clock.now(), HORIZON))
    shutil.copy(tmp_path / "app.db", tmp_path / "backup.db")
    wal = tmp_path / "app.db-wal"
    if wal.exists():
        shutil.copy(wal, tmp_path / "backup.db-wal")
    for number in range(5):
        store.perform(Revoke(Target.user(f"usr_{number}"), clock.now(), HORIZON))
    feed = BlockingWatchingFeed(store.watch(), clock, max_lag=2_000, look_ns=0)
    assert feed.is_fresh()
    assert feed.view.seq == 6
    store.close()
    feed._watch.close()  # the fault: the line to the file is lost
    feed._lease.doubt()
    feed._failed = True
    for name in ("app.db", "app.db-wal", "app.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
        if (tmp_path / name.replace("app", "backup")).exists():
            shutil.move(tmp_path / name.replace("app", "backup"), tmp_path / name)
    restored = BlockingSqlStore(url)
    restored.perform(Revoke(Target.user("usr_after"), clock.now(), HORIZON))
    assert feed.is_fresh()
    assert feed.view.covers("s", "usr_after", None, 0)
    assert feed.view.covers("s", "usr_4", None, 0)  # what is known stays known
    restored.close()
    feed.close()


def test_postgresql_rings_when_another_process_revokes(postgresql_url):
    async def scenario():
        here, there, clock = SqlStore(postgresql_url), SqlStore(postgresql_url), StepClock()
        # It never looks by itself: what it hears, the bell told it.
        feed = FollowingFeed(there, clock, max_lag=NEVER, interval=NEVER, bell=there.bell())
        await feed.start()
        for number in range(20):
            name = f"usr_{number}"
            await here.perform(Revoke(Target.user(name), clock.now(), HORIZON))
            await heard_of(feed, name)
        await feed.stop()
        await here.close()
        await there.close()

    asyncio.run(scenario())


def test_a_bell_that_was_cut_is_noticed_and_opened_again(postgresql_url):
    async def scenario():
        here, there, clock = SqlStore(postgresql_url), SqlStore(postgresql_url), StepClock()
        bell = there.bell()
        feed = FollowingFeed(there, clock, max_lag=400, interval=50, bell=bell)
        await feed.start()
        before = bell._connection
        before.terminate()
        await here.perform(Revoke(Target.user("usr_a"), clock.now(), HORIZON))
        await heard_of(feed, "usr_a")
        async with asyncio.timeout(30):
            while bell._connection is None or bell._connection is before:
                await feed.catch_up()
        await feed.stop()
        await here.close()
        await there.close()

    asyncio.run(scenario())


def test_a_bell_that_nobody_opened_says_so(postgresql_url):
    async def scenario():
        store = SqlStore(postgresql_url)
        with pytest.raises(StoreUnavailable):
            await store.bell().wait(0.01)
        await store.close()

    asyncio.run(scenario())

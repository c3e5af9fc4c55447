"""Numbers are drawn in one order and committed in another: no reader of the log may lose one."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import create_engine

from limen.effects import ReadLog, Revoke
from limen.feeds import BlockingFollowingFeed
from limen.revocation import Kind, Target
from limen.stores.sql import BlockingSqlStore, log
from limen.testing import StepClock

NOW, HORIZON = 1_000, 300_000
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def dsn(postgresql_url):
    return postgresql_url.replace("postgresql+asyncpg", "postgresql")


def insert(connection, subject):
    connection.execute(
        "INSERT INTO limen_revocation (kind, subject, not_before, expires_at)"
        " VALUES ('user', %s, 1, 300000)",
        (subject,),
    )


def read_on(store, after):
    entries = store.perform(ReadLog(after))
    return [entry.subject for entry in entries], max((e.seq for e in entries), default=after)


def test_without_the_lock_a_reader_that_goes_on_from_the_last_number_loses_an_entry(
    postgresql_url, dsn
):
    """The danger is real: this is what `append` must prevent."""
    store = BlockingSqlStore(postgresql_url)
    with psycopg.connect(dsn) as late, psycopg.connect(dsn) as early:
        insert(late, "drawn first, committed last")
        insert(early, "drawn last, committed first")
        early.commit()
        seen, last = read_on(store, 0)
        late.commit()
        more, _ = read_on(store, last)
    store.close()
    assert seen == ["drawn last, committed first"]
    assert more == []  # lost


def test_with_it_the_second_writer_waits_and_the_reader_sees_both_in_order(postgresql_url, dsn):
    store = BlockingSqlStore(postgresql_url)
    engine = create_engine(postgresql_url.replace("asyncpg", "psycopg"))
    with engine.connect() as slow, psycopg.connect(dsn, autocommit=True) as onlooker:
        log.append(slow, Kind.USER, ["first"], NOW, HORIZON)
        second = threading.Thread(
            target=store.perform, args=(Revoke(Target.user("second"), NOW, HORIZON),)
        )
        second.start()
        until = time.monotonic() + 30
        while onlooker.execute(WAITING).fetchone() == (0,):
            assert second.is_alive(), "the second writer did not wait for the first"
            assert time.monotonic() < until
            time.sleep(0.005)
        assert read_on(store, 0) == ([], 0)
        slow.commit()
    second.join(30)
    assert read_on(store, 0)[0] == ["first", "second"]
    engine.dispose()
    store.close()


def test_a_feed_misses_nothing_of_what_many_write_at_once(postgresql_url):
    writers, each, clock = 4, 40, StepClock()
    names = [[f"usr_{one}_{number}" for number in range(each)] for one in range(writers)]

    def write(subjects):
        store = BlockingSqlStore(postgresql_url)
        for subject in subjects:
            store.perform(Revoke(Target.user(subject), clock.now(), HORIZON))
        store.close()

    threads = [threading.Thread(target=write, args=(subjects,)) for subjects in names]
    reader = BlockingSqlStore(postgresql_url)
    feed = BlockingFollowingFeed(reader, clock, max_lag=2_000, interval=1)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        feed.catch_up()
    feed.catch_up()
    reader.close()
    lost = [name for some in names for name in some if not feed.view.covers("s", name, None, 0)]
    assert lost == []

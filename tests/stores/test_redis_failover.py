"""A Redis that was killed, replaced or flushed, and several stores that notice."""

import asyncio
import threading
import time

import pytest
from redises import PATIENCE_MS, START, WHO, begin, living, restart_from, store_over
from servers import RedisServer

from limen.effects import (
    FindRevocation,
    FindSession,
    ListKept,
    ReadLog,
    Revoke,
)
from limen.errors import StoreUnavailable
from limen.revocation import Target
from limen.stores.redis import BlockingRedisStore, RedisStore
from limen.stores.sql import SqlStore
from limen.testing.store_cases.case import HORIZON


def wait_for_replica(server: RedisServer) -> None:
    """Return when a replica has what was written so far; it counts from a write of this client."""
    with server.client() as client:
        client.set("written", 1)
        assert client.wait(1, PATIENCE_MS) == 1


def test_what_was_written_down_survives_a_kill(database) -> None:
    server = RedisServer(appendonly=True)
    try:
        store, _ = store_over(server.url, database)
        begin(store, "one")
        begin(store, "two")
        with server.client() as client:
            client.config_set("appendfsync", "always")
        begin(store, "three")
        store.perform(Revoke(Target.session("ses_two"), START, HORIZON))
        restart_from(server)
        assert living(store, "one", "two", "three") == {"one", "three"}
        store.close()
    finally:
        server.remove()


@pytest.mark.proves("attack:83", "attack:85")
def test_a_promoted_replica_that_lacks_the_last_moments_is_told(server, store, database) -> None:
    replica = RedisServer(master=server)
    try:
        begin(store, "one")
        begin(store, "two")
        wait_for_replica(server)
        with replica.client() as client:
            client.replicaof("NO", "ONE")
        store.perform(Revoke(Target.session("ses_one"), START, HORIZON))
        promoted, _ = store_over(replica.url, database)
        assert living(promoted, "one", "two") == {"two"}
        promoted.close()
    finally:
        replica.remove()


@pytest.mark.proves("attack:83")
def test_a_replica_serves_nothing(server, store, database) -> None:
    begin(store, "one")
    replica = RedisServer(master=server)
    try:
        wait_for_replica(server)
        reader, _ = store_over(replica.url, database)
        with pytest.raises(StoreUnavailable):
            reader.perform(FindSession(id="ses_one"))
        reader.close()
    finally:
        replica.remove()


def test_several_stores_at_once_agree_after_a_restart(server, store, database) -> None:
    for n in range(30):
        begin(store, f"n{n}", f"usr_{n}")
    server.snapshot()
    for n in range(0, 30, 2):
        store.perform(Revoke(Target.session(f"ses_n{n}"), START, HORIZON))
    restart_from(server)
    stores = [store_over(server.url, database)[0] for _ in range(4)]
    wrong: list[object] = []

    def ask(asked: BlockingRedisStore) -> None:
        for n in range(30):
            alive = asked.perform(FindSession(id=f"ses_n{n}")) is not None
            if alive is not bool(n % 2):
                wrong.append(n)

    threads = [threading.Thread(target=ask, args=(one,)) for one in stores for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    entries = store.perform(ReadLog(0))
    assert {one.subject for one in entries} == {f"ses_n{n}" for n in range(0, 30, 2)}
    assert len(entries) == 15  # whoever came second found them in the log
    for one in stores:
        one.close()


def test_awaited_stores_wait_for_one_reconciliation(server, store, database) -> None:
    for n in range(30):
        begin(store, f"n{n}", f"usr_{n}")
    server.snapshot()
    for n in range(0, 30, 2):
        store.perform(Revoke(Target.session(f"ses_n{n}"), START, HORIZON))

    async def main() -> None:
        made = [RedisStore(server.url, SqlStore(database)) for _ in range(2)]
        assert await made[0].perform(FindSession(id="ses_n0")) is None
        restart_from(server)
        # Whoever is in the middle of a request meets the restart; who comes later does not.
        await asyncio.sleep(0.5)
        asked = [one.perform(FindSession(id=f"ses_n{n}")) for n in range(30) for one in made]
        found = await asyncio.gather(*asked)
        assert [one is not None for one in found] == [bool(n % 2) for n in range(30) for _ in made]
        for one in made:
            await one.close()

    asyncio.run(main())


def test_a_server_that_hides_which_process_it_is_is_not_trusted(server, store) -> None:
    with server.client() as client:
        client.acl_setuser("mute", enabled=True, nopass=True, keys="*", commands=["+@all", "-info"])
    url = server.url.replace("redis://", "redis://mute:x@")
    mute = BlockingRedisStore(url, store, timeout_ms=PATIENCE_MS)
    with pytest.raises(StoreUnavailable):
        mute.perform(FindSession(id="ses_one"))
    with server.client() as client:
        client.acl_deluser("mute")


def test_what_takes_too_long_is_refused_and_goes_on(server, store, database) -> None:
    begin(store, "one")
    store.perform(Revoke(Target.session("ses_one"), START, HORIZON))
    slow, home = store_over(server.url, database, timeout_ms=1_000)
    going, release = threading.Event(), threading.Event()

    def wait() -> None:
        going.set()
        assert release.wait(60)

    home.before = (ListKept, wait)
    with server.client() as client:
        client.flushall()
    first = threading.Thread(target=lambda: slow.perform(ReadLog(0)))
    first.start()
    assert going.wait(60)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="told what was revoked"):
        slow.perform(FindSession(id="ses_one"))
    assert time.monotonic() - began >= 1
    release.set()
    first.join()
    assert slow.perform(FindRevocation("ses_one", WHO, None, START))
    slow.close()

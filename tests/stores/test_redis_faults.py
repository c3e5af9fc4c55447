"""A Redis that fails: nothing is assumed, every wait ends, and nothing is quoted."""

import asyncio
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest
from redises import PATIENCE_MS, store_over
from servers import RedisServer

from limen.effects import (
    AddAccount,
    Effect,
    FindSession,
    Increment,
    OpenSession,
    Purge,
    ReadLog,
    Revoke,
    RotateRefresh,
    TouchSession,
)
from limen.errors import ConfigurationError, StoreUnavailable
from limen.revocation import Target
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.stores.redis import BlockingRedisStore, RedisStore
from limen.stores.sql import SqlStore
from limen.testing.store_cases.case import (
    HORIZON,
    NOW,
    account,
    digest,
    open_session,
    session,
)
from limen.testing.stores import ThreadedStore

SHORT_MS = 400
SUBJECT = "ada-lovelace@example.org"
TOO_LARGE = 2**70


@pytest.fixture
def own() -> Iterator[RedisServer]:
    made = RedisServer()
    yield made
    made.remove()


def both(url: str, timeout_ms: int = PATIENCE_MS) -> tuple:
    """Return one store of each face, over homes of their own."""
    return (
        RedisStore(url, MemoryStore(), timeout_ms=timeout_ms),
        ThreadedStore(BlockingRedisStore(url, BlockingMemoryStore(), timeout_ms=timeout_ms)),
    )


def test_a_server_that_is_gone_is_unavailable_and_a_new_one_is_used(own) -> None:
    host = f"127.0.0.1:{own.port}"

    async def main() -> None:
        stores = both(own.url)
        for store in stores:
            await store.open()
            assert await store.perform(FindSession(id="ses_one")) is None
        own.kill()
        for store in stores:
            for effect in (FindSession(id="ses_one"), TouchSession("ses_one", NOW)):
                with pytest.raises(StoreUnavailable):
                    await store.perform(effect)
            with pytest.raises(StoreUnavailable) as fault:
                await store.open()
            assert host not in "".join(traceback.format_exception(fault.value))
        own.start()
        for store in stores:
            await store.open()
            assert await store.perform(FindSession(id="ses_one")) is None
        own.kill()
        own.start()
        await asyncio.sleep(0.5)  # a restart that no request met goes unnoticed
        for store in stores:
            assert await store.perform(FindSession(id="ses_one")) is None
            await store.close()

    asyncio.run(main())


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_allowed(own) -> None:
    async def main() -> None:
        for store in both(own.url, SHORT_MS):
            await store.open()
            own.signal(signal.SIGSTOP)
            for effect in (FindSession(id="ses_one"), TouchSession("ses_one", NOW)):
                with pytest.raises(StoreUnavailable):
                    await asyncio.wait_for(store.perform(effect), 30)
            own.signal(signal.SIGCONT)
            assert await store.perform(FindSession(id="ses_one")) is None
            await store.close()

    asyncio.run(main())


def test_a_request_that_is_given_up_leaves_its_answer_to_nobody(own) -> None:
    async def main() -> None:
        store = RedisStore(own.url, MemoryStore(), timeout_ms=PATIENCE_MS, pool_size=1)
        await open_session(store)
        own.signal(signal.SIGSTOP)
        asking = asyncio.create_task(store.perform(FindSession(id="ses_one")))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        own.signal(signal.SIGCONT)
        assert await store.perform(FindSession(id="ses_two")) is None
        assert await store.perform(FindSession(id="ses_one")) is not None
        await store.close()

    asyncio.run(main())


@pytest.mark.proves("attack:85")
def test_a_server_without_memory_takes_nobody_in_and_still_puts_out(own) -> None:
    store = BlockingRedisStore(own.url, BlockingMemoryStore(), timeout_ms=PATIENCE_MS)
    asyncio.run(open_session(ThreadedStore(store)))
    with own.client() as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="OutOfMemory"):
        store.perform(OpenSession(session("two"), None, reference=digest("ref two")))
    assert store.perform(Revoke(Target.session("ses_one"), NOW, HORIZON)).sessions == 1
    with own.client() as client:
        client.config_set("maxmemory", 0)
    assert store.perform(FindSession(id="ses_one")) is None
    assert store.perform(FindSession(id="ses_two")) is None
    assert len(store.perform(ReadLog(0))) == 1
    assert store.perform(OpenSession(session("two"), None, reference=digest("ref two")))
    store.close()


def test_scripts_that_a_server_forgot_are_sent_again(own) -> None:
    async def main() -> None:
        for store in both(own.url):
            assert await store.perform(FindSession(id="ses_one")) is None
            with own.client() as client:
                client.script_flush()
            assert await store.perform(FindSession(id="ses_one")) is None
            await store.close()

    asyncio.run(main())


FAILING = {
    "a digest that exists": OpenSession(session("two", SUBJECT), None, refresh=digest("fresh one")),
    "the same digest twice": OpenSession(
        session("four", SUBJECT), None, reference=digest("t"), refresh=digest("t")
    ),
    "a handle that exists": OpenSession(session("one", SUBJECT), None),
    "a successor that exists": RotateRefresh(
        digest("fresh three"), digest("fresh one"), b"sealed", NOW, 0, HORIZON
    ),
    "a number that is too large": Increment(SUBJECT, TOO_LARGE, NOW),
    "a time that is too large": Purge(TOO_LARGE),
}


@pytest.mark.parametrize("effect", FAILING.values(), ids=FAILING.keys())
@pytest.mark.parametrize("face", [0, 1], ids=["async", "blocking"])
def test_a_fault_quotes_nothing_that_was_stored(redis_url, effect: Effect, face) -> None:
    async def main() -> str:
        store, spare = both(redis_url) if face == 0 else reversed(both(redis_url))
        await open_session(store)
        await open_session(store, "three")
        try:
            await store.perform(effect)
        except StoreUnavailable as fault:
            return "".join(traceback.format_exception(fault))
        finally:
            await store.close()
            await spare.close()
        return ""

    told = asyncio.run(main())
    assert "StoreUnavailable" in told
    for name in ("fresh one", "fresh three", "t"):
        assert digest(name).hex() not in told
        assert str(digest(name)) not in told
    for word in (SUBJECT, "ses_one", str(TOO_LARGE), "sealed'"):
        assert word not in told


@pytest.mark.parametrize("kind", [RedisStore, BlockingRedisStore])
@pytest.mark.parametrize(
    "url",
    ["http://ada:hunter2@x/", "hunter2", "redis://ada:hunter2@x:port/", "redis://x/?hunter2=1"],
)
def test_what_is_no_url_is_refused_without_showing_it(kind, url) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        kind(url, MemoryStore())
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("kind", [RedisStore, BlockingRedisStore])
def test_a_store_shows_no_password(kind) -> None:
    for scheme in ("redis", "rediss", "valkey", "valkeys"):
        made = kind(f"{scheme}://ada:hunter2@127.0.0.1:1/0?socket_timeout=999", MemoryStore())
        assert "hunter2" not in repr(made)


def test_a_wrong_password_is_unavailable_and_not_shown(own) -> None:
    with own.client() as client:
        client.config_set("requirepass", "right-password")
    store = BlockingRedisStore(
        own.url.replace("//", "//:hunter2@"), BlockingMemoryStore(), timeout_ms=PATIENCE_MS
    )
    with pytest.raises(StoreUnavailable) as fault:
        store.open()
    assert "hunter2" not in "".join(traceback.format_exception(fault.value))
    right = BlockingRedisStore(
        own.url.replace("//", "//:right-password@"), BlockingMemoryStore(), timeout_ms=PATIENCE_MS
    )
    right.open()
    right.close()
    store.close()


ROTATE = """
import sys, time
from pathlib import Path
from limen.effects import RotateRefresh
from limen.stores.redis import BlockingRedisStore
from limen.stores.sql import BlockingSqlStore
from limen.testing.store_cases.case import HORIZON, NOW, digest

url, database, number, go = sys.argv[1:]
store = BlockingRedisStore(url, BlockingSqlStore(database), timeout_ms=60_000)
store.open()
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.001)
offer = RotateRefresh(digest("fresh one"), digest(number), b"sealed", NOW, 0, HORIZON)
print(type(store.perform(offer)).__name__, flush=True)
store.close()
"""
PROCESSES = 4


def test_of_several_processes_exactly_one_rotates(redis_url, database, tmp_path) -> None:
    store, _ = store_over(redis_url, database)
    asyncio.run(open_session(ThreadedStore(store)))
    go = tmp_path / "go"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ROTATE, redis_url, database, str(number), str(go)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    go.touch()
    answers = sorted(process.communicate()[0].strip() for process in processes)
    assert answers == ["NoneType"] * (PROCESSES - 2) + ["Replayed", "Rotated"]
    store.close()


def test_a_forked_process_makes_connections_of_its_own(redis_url, database) -> None:
    code = """
import os, sys
from limen.effects import Increment
from limen.stores.memory import BlockingMemoryStore
from limen.stores.redis import BlockingRedisStore
store = BlockingRedisStore(sys.argv[1], BlockingMemoryStore(), timeout_ms=60_000)
store.perform(Increment("before", 1000, 0))
child = os.fork()
for _ in range(200):
    store.perform(Increment("child" if child == 0 else "parent", 1000, 0))
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(store.perform(Increment("child", 1000, 0)).count)
print(store.perform(Increment("parent", 1000, 0)).count)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, redis_url], capture_output=True, text=True, check=True
    )
    assert done.stdout == "201\n201\n"


def test_a_cluster_serves_it_from_one_slot(database) -> None:
    server = RedisServer(cluster=True)

    async def main() -> None:
        store = RedisStore(server.url, SqlStore(database), timeout_ms=PATIENCE_MS)
        await open_session(store)
        await store.perform(
            RotateRefresh(digest("fresh one"), digest("b"), b"sealed", NOW, 0, HORIZON)
        )
        await store.perform(Increment("ada", HORIZON, NOW))
        assert await store.perform(FindSession(digest=digest("ref one"))) is not None
        await store.perform(Revoke(Target.everybody(), NOW, HORIZON))
        assert await store.perform(FindSession(digest=digest("ref one"))) is None
        await store.close()

    try:
        asyncio.run(main())
        with server.client() as client:
            keys = client.keys("*")
            assert len({client.execute_command("CLUSTER", "KEYSLOT", key) for key in keys}) == 1
            assert all(key.startswith(b"{limen}:") for key in keys)
    finally:
        server.remove()


def test_redis_holds_sessions_and_no_account(own) -> None:
    store = BlockingRedisStore(own.url, BlockingMemoryStore(), timeout_ms=PATIENCE_MS)
    store.perform(AddAccount(account(), "$argon2id$hash"))
    asyncio.run(open_session(ThreadedStore(store)))
    store.perform(FindSession(id="ses_one"))
    with own.client() as client:
        everything = b"".join(client.dump(key) for key in client.keys("*"))
        copy = client.hgetall("{limen}:a:usr_ada")
    assert set(copy) == {b"marker", b"exists", b"disabled", b"roles", b"revision"}
    for secret in (b"$argon2id$", b"ada@example.org", b"Ada"):
        assert secret not in everything
    store.close()

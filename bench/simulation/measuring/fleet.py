"""Measures a few real feeds on a real store, so that the model can be held against them."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from servers import RedisServer

from bench.simulation.judge import quantile
from bench.simulation.measuring.appends import blocking_store
from bench.simulation.measuring.looks import HORIZON_MS
from bench.simulation.measuring.postgres_cost import DurablePostgres
from bench.simulation.measuring.processor import cpu_us
from bench.simulation.measuring.wire import Wire
from bench.simulation.parameters import INTERVAL_MS, MAX_LAG_MS
from limen.clock import SystemClock
from limen.effects import ReadLog, Revoke
from limen.feeds import FollowingFeed
from limen.feeds.lease import PAGE
from limen.revocation import Revocation, Target
from limen.stores.redis import RedisStore
from limen.stores.sql import SqlStore

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.ports import Bell

PROBES = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One fleet."""

    store: str  # "postgresql" or "redis"
    feeds: int
    per_s: float = 25.0
    delay_ms: float = 0.0  # each way, added by a relay
    rings: bool = True
    seconds: float = 20.0


CASES = (
    Case("postgresql", 1),
    Case("postgresql", 4),
    Case("postgresql", 4, delay_ms=10.0),
    Case("postgresql", 4, rings=False),
    Case("redis", 1),
    Case("redis", 4),
    Case("redis", 4, delay_ms=10.0),
)


class Counted:
    """A store whose looks are counted."""

    def __init__(self, store: SqlStore | RedisStore) -> None:
        self.store = store
        self.looks = 0

    async def perform(self, effect: Effect[Any]) -> Any:
        """Perform one effect."""
        self.looks += isinstance(effect, ReadLog)
        return await self.store.perform(effect)

    async def open(self) -> None:
        """Open it."""
        await self.store.open()

    async def close(self) -> None:
        """Close it."""
        await self.store.close()

    def bell(self) -> Bell | None:
        """Return its bell."""
        return self.store.bell()


def _write(home: str, redis: str | None, case: Case, answers: Any) -> None:
    store = blocking_store(home, redis)
    random, made = Random(1), []
    at = time.perf_counter()
    until = at + case.seconds
    while (at := at + random.expovariate(case.per_s)) < until:
        time.sleep(max(0.0, at - time.perf_counter()))
        target = Target.tokens(f"usr_{random.getrandbits(88):022x}")
        ended = store.perform(Revoke(target, time.time_ns() // 10**6, HORIZON_MS))
        made.append((ended.seq, time.perf_counter()))
    answers.put(made)
    store.close()


async def _follow(case: Case, home: str, redis: str | None, pid: int) -> dict[str, Any]:
    """Let feeds follow a log while another process writes to it."""
    wire = Wire(case.delay_ms)
    there = await wire.open(redis or home)
    stores = [
        Counted(RedisStore(there, SqlStore(home)) if redis else SqlStore(there))
        for _ in range(case.feeds)
    ]
    heard: list[dict[int, float]] = [{} for _ in stores]
    begins = asyncio.Event()
    feeds = []
    for store, times in zip(stores, heard, strict=True):
        await store.open()
        bell = store.bell() if case.rings else None
        feed = FollowingFeed(
            store, SystemClock(), max_lag=MAX_LAG_MS, interval=INTERVAL_MS, bell=bell
        )
        feed.tell(partial(_note, times, begins))
        await feed.start()
        feeds.append(feed)
    probes = []
    for _ in range(PROBES if not case.delay_ms else PROBES // 10):
        begun = time.perf_counter()
        await stores[0].perform(ReadLog(2**53, PAGE))
        probes.append((time.perf_counter() - begun) * 1000)
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    writer = context.Process(target=_write, args=(home, redis, case, answers))
    writer.start()
    await begins.wait()  # until then it is importing
    for store in stores:
        store.looks = 0
    octets, server, node = wire.asked + wire.answered, cpu_us(pid), time.process_time()
    begun = time.perf_counter()
    written = await asyncio.to_thread(answers.get, True, case.seconds + 60)
    span = time.perf_counter() - begun
    octets, server = wire.asked + wire.answered - octets, cpu_us(pid) - server
    node, looks = time.process_time() - node, sum(store.looks for store in stores)
    await asyncio.sleep(1)
    await asyncio.to_thread(writer.join)
    for feed, store in zip(feeds, stores, strict=True):
        await feed.stop()
        await store.close()
    await wire.close()
    late = sorted(
        max(0.0, times[seq] - returned) * 1000 for times in heard for seq, returned in written
    )
    return {
        **asdict(case),
        "look_ms": round(quantile(sorted(probes), 0.5), 3),
        "p50_ms": round(quantile(late, 0.5), 2),
        "p99_ms": round(quantile(late, 0.99), 2),
        "max_ms": round(late[-1], 2),
        "looks_per_s": round(looks / span / case.feeds, 1),
        "kbit_per_s": round(octets * 8 / 1000 / span / case.feeds, 1),
        "server_cpu": round(server / 1e6 / span, 4),
        "entries": len(written),
        "n": len(late),
    }


def _note(times: dict[int, float], begins: asyncio.Event, entries: Sequence[Revocation]) -> None:
    now = time.perf_counter()
    for entry in entries:
        times[entry.seq] = now
    begins.set()


def measure() -> list[dict[str, Any]]:
    """Measure every fleet on servers of their own."""
    found = []
    for case in CASES:
        home, redis = DurablePostgres(), None
        try:
            pid = home.pid
            if case.store == "redis":
                redis = RedisServer(appendonly=True)
                assert redis._server is not None
                pid = redis._server.pid
            follows = _follow(case, home.database(), redis.url if redis else None, pid)
            found.append(asyncio.run(follows))
        finally:
            home.remove()
            if redis is not None:
                redis.remove()
    return found

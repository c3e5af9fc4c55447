"""Measures how many revocations several processes append, by the store that Limen uses."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any

from bench.simulation.judge import quantile
from bench.simulation.measuring.looks import HORIZON_MS
from bench.simulation.measuring.processor import cpu_us
from limen.effects import Revoke
from limen.revocation import Target
from limen.stores.redis import BlockingRedisStore
from limen.stores.sql import BlockingSqlStore

WRITERS = (1, 4, 8)
APPENDS = 2_000
ROUNDS = 3


def blocking_store(home: str, redis: str | None) -> BlockingSqlStore | BlockingRedisStore:
    """Return an open store: PostgreSQL alone, or Redis with accounts in PostgreSQL."""
    sql = BlockingSqlStore(home)
    store = sql if redis is None else BlockingRedisStore(redis, sql)
    store.open()
    return store


def _write(home: str, redis: str | None, count: int, answers: Any) -> None:
    store = blocking_store(home, redis)
    took = []
    begun = time.perf_counter()
    for number in range(count):
        asked = time.perf_counter()
        store.perform(Revoke(Target.tokens(f"usr_{number}"), time.time_ns() // 10**6, HORIZON_MS))
        took.append((time.perf_counter() - asked) * 1000)
    answers.put((begun, time.perf_counter(), took))
    store.close()


def measure(pid: int, home: str, redis: str | None = None) -> dict[str, Any]:
    """Append with several numbers of writers; `pid` is the server of the log."""
    # The best of them: what else the machine did must not pass for a limit of the log.
    return {
        str(writers): max(
            (_round(pid, home, redis, writers) for _ in range(ROUNDS)),
            key=lambda found: float(found["per_s"]),
        )
        for writers in WRITERS
    }


def _round(pid: int, home: str, redis: str | None, writers: int) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    work = (home, redis, APPENDS // writers, answers)
    processes = [context.Process(target=_write, args=work) for _ in range(writers)]
    before = cpu_us(pid)
    for process in processes:
        process.start()
    parts = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    spent = cpu_us(pid) - before
    took = sorted(one for part in parts for one in part[2])
    span = max(part[1] for part in parts) - min(part[0] for part in parts)
    return {
        "per_s": round(len(took) / span),
        "p50_ms": round(quantile(took, 0.5), 2),
        "p99_ms": round(quantile(took, 0.99), 2),
        "server_us": round(spent / len(took), 1),
        "n": len(took),
    }

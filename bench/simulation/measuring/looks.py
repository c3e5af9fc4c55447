"""Measures looks and fall-back reads by the stores that Limen uses: CPU, octets, round trips."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.simulation.measuring.processor import cpu_us
from bench.simulation.measuring.wire import Wire
from limen.effects import FindRevocation, ReadLog, Revoke
from limen.feeds.lease import PAGE
from limen.revocation import Target

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.stores.redis import RedisStore
    from limen.stores.sql import SqlStore

    AnyStore = SqlStore | RedisStore

HORIZON_MS = 305_000
LOOKS = 5_000
PAGES = 300  # of 1,000 entries
ENTRIES = 1_000
_FIND = FindRevocation("ses_x", "usr_x", "key_x", 0)


async def measure(make: Callable[[str], AnyStore], url: str, pid: int) -> dict[str, Any]:
    """Measure a new log; `make` makes a store from its URL, `pid` is its server."""
    store = make(url)
    await store.open()
    for number in range(ENTRIES):
        now = time.time_ns() // 10**6
        await store.perform(Revoke(Target.tokens(f"usr_{number:022d}"), now, HORIZON_MS))
    held = await store.perform(ReadLog(0, PAGE))
    assert len(held) == ENTRIES, "the log must be new"
    # A look reads the last known entry again (see `Lease.doubt`), and here nothing besides.
    look, page = ReadLog(held[-1].seq - 1, PAGE), ReadLog(0, PAGE)
    found: dict[str, Any] = {
        "look": await _cost(store, look, pid, LOOKS),
        "page": await _cost(store, page, pid, PAGES),
        "find": await _cost(store, _FIND, pid, LOOKS),
    }
    await store.close()
    wire = Wire()
    store = make(await wire.open(url))
    await store.open()
    for name, effect in (("look", look), ("page", page), ("find", _FIND)):
        await store.perform(effect)  # connects and prepares
        before = wire.asked, wire.answered, wire.turns
        await store.perform(effect)
        octets = wire.asked - before[0], wire.answered - before[1]
        found[name] |= {"asked": octets[0], "answered": octets[1], "trips": wire.turns - before[2]}
    await store.close()
    await wire.close()
    return found


async def _cost(store: AnyStore, effect: Effect[Any], pid: int, times: int) -> dict[str, Any]:
    await store.perform(effect)
    server, node, wall = cpu_us(pid), time.process_time(), time.perf_counter()
    for _ in range(times):
        await store.perform(effect)
    wall, node = time.perf_counter() - wall, time.process_time() - node
    return {
        "server_us": round((cpu_us(pid) - server) / times, 1),
        "node_us": round(node / times * 1e6, 1),
        "wall_us": round(wall / times * 1e6, 1),
        "n": times,
    }

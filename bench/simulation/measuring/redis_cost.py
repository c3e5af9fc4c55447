"""Measures what the revocation log costs a real Redis: appends, looks, reads, blocked readers."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from servers import RedisServer

from bench.simulation.judge import quantile
from bench.simulation.measuring import appends, looks
from bench.simulation.measuring.postgres_cost import DurablePostgres
from bench.simulation.measuring.processor import cpu_us
from limen.stores.redis import RedisStore
from limen.stores.sql import SqlStore

DELIVERIES = 1_000
GAP_S = 0.005
READERS = (1, 10, 50)
_FIELDS = ("kind", "session", "subject", "ses_0123456789abcdefghijkl", "before", "1700000000001")
_ADD = ("XADD", "log", "*", *_FIELDS, "expires", "1700000305000")


def command(*words: str) -> bytes:
    """Return a command in the protocol's form."""
    parts = [f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]
    return "".join(parts).encode()


async def deliveries(port: int, pid: int, readers: int) -> dict[str, float]:
    """Append at a steady pace to readers that block; time from sending to each reader."""
    heard: list[list[float]] = [[] for _ in range(readers)]
    octets = [0] * readers
    tasks = [
        asyncio.create_task(_read(port, heard[place], octets, place)) for place in range(readers)
    ]
    await asyncio.sleep(0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = []
    before = cpu_us(pid)
    for _ in range(DELIVERIES):
        sent.append(time.perf_counter())
        writer.write(command(*_ADD))
        await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n")
        await asyncio.sleep(GAP_S)
    await asyncio.gather(*tasks)
    spent = cpu_us(pid) - before
    writer.close()
    late = sorted(
        (at - asked) * 1000 for times in heard for at, asked in zip(times, sent, strict=True)
    )
    return {
        "p50_ms": round(quantile(late, 0.5), 2),
        "p99_ms": round(quantile(late, 0.99), 2),
        "max_ms": round(late[-1], 2),
        "server_us": round(spent / DELIVERIES, 1),
        "octets": round(sum(octets) / DELIVERIES / readers, 1),
        "n": len(late),
    }


async def _read(port: int, heard: list[float], octets: list[int], place: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    last = "$"
    while len(heard) < DELIVERIES:
        asked = command("XREAD", "BLOCK", "5000", "STREAMS", "log", last)
        writer.write(asked)
        data = b""
        # One answer ends with the last of eight fields of its last entry.
        while not data.endswith(b"1700000305000\r\n"):
            data += await reader.read(65_536)
        now = time.perf_counter()
        ids = re.findall(rb"\r\n(\d+-\d+)\r\n", data)
        last = ids[-1].decode()
        octets[place] += len(asked) + len(data)
        heard.extend([now] * len(ids))
    writer.close()


def measure() -> dict[str, Any]:
    """Start a Redis, measure everything, and return it."""
    server, home = RedisServer(appendonly=True), DurablePostgres()
    assert server._server is not None
    pid = server._server.pid
    try:
        url = home.database()
        with server.client() as client:
            version = client.info("server")["redis_version"]
        # First: the log must be new.
        found = asyncio.run(
            looks.measure(lambda there: RedisStore(there, SqlStore(url)), server.url, pid)
        )
        return {
            "version": version,
            **found,
            "appends": appends.measure(pid, url, server.url),
            "rungs": {
                str(readers): asyncio.run(deliveries(server.port, pid, readers))
                for readers in READERS
            },
        }
    finally:
        server.remove()
        home.remove()

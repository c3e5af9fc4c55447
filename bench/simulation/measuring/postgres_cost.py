"""Measures what the revocation log costs a real PostgreSQL: appends, looks, reads and bells."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
import time
from typing import Any

import asyncpg
from servers import PostgresServer

from bench.simulation.judge import quantile
from bench.simulation.measuring import appends, looks
from bench.simulation.measuring.processor import cpu_us
from limen.stores.sql import SqlStore
from limen.stores.sql.locks import Lock
from limen.stores.sql.log import CHANNEL

FLUSHES = 500
BELLS = 1_000
BELL_GAP_S = 0.005
LISTENERS = (1, 10, 50)
_APPEND = f"""BEGIN;
SELECT pg_advisory_xact_lock({Lock.LOG.value});
SELECT pg_notify('{CHANNEL}', '');
INSERT INTO limen_revocation (kind, subject, not_before, expires_at)
    VALUES ('session', 'ses_0123456789abcdefghijkl', 1, {looks.HORIZON_MS});
COMMIT;
"""


class DurablePostgres(PostgresServer):
    """As the tests' server, but a commit waits for the disk."""

    SETTINGS = ("max_connections=200",)

    @property
    def pid(self) -> int:
        """The process of which all others of the server are children."""
        assert self._server is not None
        return self._server.pid

    @property
    def version(self) -> str:
        """As the program says it."""
        asked = [str(self._programs / "postgres"), "--version"]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        return re.sub(r".*\) (\S+).*\n", r"\1", done.stdout)


def flush_ms() -> float:
    """Return the median time in which a block reaches this machine's disk."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(FLUSHES):
            os.pwrite(file.fileno(), bytes(8_192), 0)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    return round(quantile(sorted(took), 0.5), 3)


async def bells(url: str, pid: int, listeners: int) -> dict[str, float]:
    """Append at a steady pace; time from sending the append to each listener's callback."""
    dsn = url.replace("+asyncpg", "")
    heard: list[list[float]] = []
    connections = [await asyncpg.connect(dsn) for _ in range(listeners)]
    for connection in connections:
        times: list[float] = []
        heard.append(times)
        await connection.add_listener(
            CHANNEL, lambda *_, times=times: times.append(time.perf_counter())
        )
    writer = await asyncpg.connect(dsn)
    sent = []
    before = cpu_us(pid)
    for _ in range(BELLS):
        sent.append(time.perf_counter())
        await writer.execute(_APPEND)
        await asyncio.sleep(BELL_GAP_S)
    await asyncio.sleep(0.3)
    spent = cpu_us(pid) - before
    for connection in [writer, *connections]:
        await connection.close()
    assert all(len(times) == BELLS for times in heard), "a bell was lost or rang twice"
    late = sorted(
        (at - asked) * 1000 for times in heard for at, asked in zip(times, sent, strict=True)
    )
    return {
        "p50_ms": round(quantile(late, 0.5), 2),
        "p99_ms": round(quantile(late, 0.99), 2),
        "max_ms": round(late[-1], 2),
        "server_us": round(spent / BELLS, 1),
        "n": len(late),
    }


def measure() -> dict[str, Any]:
    """Start a PostgreSQL, measure everything, and return it."""
    server = DurablePostgres()
    try:
        url = server.database()
        return {
            "version": server.version,
            "flush_ms": flush_ms(),
            "appends": appends.measure(server.pid, url),
            "rungs": {
                str(listeners): asyncio.run(bells(url, server.pid, listeners))
                for listeners in LISTENERS
            },
            **asyncio.run(looks.measure(SqlStore, server.database(), server.pid)),
        }
    finally:
        server.remove()

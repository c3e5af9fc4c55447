"""How long after `revoke` has returned another process still accepts the credential.

This process revokes; two others are asked without pause. The lag of a revocation is the
start of the last request that either accepted, less the return of `revoke`, and at least 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from bench.limens import credential_of, limen_of
from bench.probes.timing import addresses, parser, percentile, report
from bench.systems import ROOT
from limen import Limen, Target

READERS: Final = 2
MS: Final = 1_000_000
# Healthy: ask without rest. Cut: once a millisecond, for the seconds that it may take.
HEALTHY: Final = {"--settle": "0.005", "--pause": "0"}
CUT: Final = {"--settle": "0.3", "--pause": "0.001"}
RECOVERY_S: Final = 1.0
SPREAD_S: Final = 0.005


class Reader:
    """One of the other processes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout

    async def line(self) -> str:
        """Return what it says next; ends this program if it is gone."""
        said = (await self._output.readline()).decode().strip()
        if not said:
            sys.exit("a reader ended early")
        return said

    async def ask(self, credential: str) -> None:
        """Let it ask for a credential; returns when it was accepted."""
        self._input.write(credential.encode() + b"\n")
        await self._input.drain()
        said = await self.line()
        assert said == "accepted", said

    async def end(self) -> None:
        """Wait for its end."""
        self._input.close()
        await self._process.wait()


@contextlib.asynccontextmanager
async def readers(asked: argparse.Namespace, where: dict[str, str]) -> AsyncIterator[list[Reader]]:
    """Start the other processes on the same stores, or on what stands before them."""
    options = {"--place": asked.place, "--setting": asked.setting} | where
    options |= CUT if asked.cut else HEALTHY
    arguments = [part for option in options.items() for part in option]
    started = []
    for _ in range(READERS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.probes.revocation_reader", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(Reader(process))
    for reader in started:
        assert await reader.line() == "open"
    yield started
    for reader in started:
        await reader.end()


async def one(auth: Limen, others: list[Reader], proxy: object = None) -> float:
    """Return the lag of one revocation in milliseconds."""
    issued = await credential_of(auth)
    await asyncio.gather(*(reader.ask(issued.access.reveal()) for reader in others))
    if proxy is not None:
        await asyncio.sleep(RECOVERY_S)  # until every feed has heard from the store again
        proxy.cut()  # type: ignore[attr-defined]  # of tests/proxy.py
    else:
        await asyncio.sleep(random.random() * SPREAD_S)
    await auth.revoke(Target.session(issued.principal.session_id))
    returned = time.monotonic_ns()
    last = [int(await reader.line()) for reader in others]
    if proxy is not None:
        proxy.restore()  # type: ignore[attr-defined]
    return max(0.0, *((one - returned) / MS for one in last))


async def lags(asked: argparse.Namespace) -> list[float]:
    """Return the lag of every revocation."""
    where = {"--database": asked.database, "--redis": asked.redis}
    given = {name: url for name, url in where.items() if url}
    async with limen_of(asked.setting, addresses(asked)) as auth:
        if not asked.cut:
            async with readers(asked, given) as others:
                return [await one(auth, others) for _ in range(asked.revocations)]
        sys.path.insert(0, str(ROOT / "tests"))
        from proxy import Proxy  # noqa: PLC0415 - found only now

        name, url = next(iter(given.items()))
        target = urlsplit(url).port
        assert target is not None
        with Proxy(target) as proxy:
            between = given | {name: url.replace(f":{target}", f":{proxy.port}")}
            async with readers(asked, between) as others:
                return [await one(auth, others, proxy) for _ in range(asked.revocations)]


def main() -> None:
    """Measure one setting."""
    asking = parser()
    asking.add_argument("--setting", required=True)
    asking.add_argument("--revocations", type=int, required=True)
    asking.add_argument("--cut", action="store_true")
    found = asyncio.run(lags(asking.parse_args()))
    report(
        {
            "n": len(found),
            "p50": round(percentile(found, 0.5), 3),
            "p99": round(percentile(found, 0.99), 3),
            "longest": round(max(found), 3),
        }
    )


if __name__ == "__main__":
    main()

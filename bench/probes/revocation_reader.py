"""A worker that is asked for one credential over and over, and tells when it accepted it last.

It reads a credential a line and answers `accepted` when it is; then it asks on until the
credential has been refused for a while, and prints the start of the last request that it
accepted, by the clock that all processes of a machine share. A request is judged in turn with
whatever else its event loop has to do, as in a server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Final

import uvloop

from bench.limens import limen_of
from bench.probes.timing import addresses, parser
from limen import Limen
from limen.errors import StoreUnavailable
from limen.verdict import Authenticated

NS: Final = 1_000_000_000


async def accepts(auth: Limen, credential: str) -> bool:
    """Tell whether a request would be let in; one that is answered with 503 is not."""
    try:
        return isinstance(await auth.authenticate(credential), Authenticated)
    except StoreUnavailable:
        return False


async def last_accepted(auth: Limen, credential: str, settle_s: float, pause_s: float) -> int:
    """Ask until nothing was accepted for `settle_s`; return when the last request began."""
    while not await accepts(auth, credential):  # noqa: ASYNC110 - to ask is what is measured
        await asyncio.sleep(pause_s)
    last = time.monotonic_ns()
    print("accepted", flush=True)
    while time.monotonic_ns() - last < settle_s * NS:
        began = time.monotonic_ns()
        if await accepts(auth, credential):
            last = began
        await asyncio.sleep(pause_s)
    return last


async def work(setting: str, settle_s: float, pause_s: float, where: object) -> None:
    """Answer until there are no more lines."""
    async with limen_of(setting, where) as auth:  # type: ignore[arg-type]
        print("open", flush=True)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            last = await last_accepted(auth, line, settle_s, pause_s)
            print(json.dumps(last), flush=True)


def main() -> None:
    """Become a worker."""
    asking = parser()
    asking.add_argument("--setting", required=True)
    asking.add_argument("--settle", type=float, required=True)
    asking.add_argument("--pause", type=float, required=True)
    asked = asking.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(asked.setting, asked.settle, asked.pause, addresses(asked)))


if __name__ == "__main__":
    main()

"""How long a check takes: in process, and as part of a request over a real socket.

The setups take turns, A B C A B C, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING

from limen import Authenticated, Authentication, Refused
from limen.clock import elapsed_ns
from limen.lab.measure.caller import Caller
from limen.lab.measure.result import Sample
from limen.lab.measure.servers import OPEN, servers
from limen.lab.servers.site import PROTECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen import Limen
    from limen.lab.measure.servers import Grounds
    from limen.lab.measure.sizes import Sizes
    from limen.lab.servers.site import Person


class Checks:
    """Durations of `authenticate` by setup: of credentials known to the process, and new to it."""

    def __init__(self, count: int) -> None:
        self.warm: list[list[int]] = [[] for _ in range(count)]
        self.first: list[list[int]] = [[] for _ in range(count)]
        self.collections = 0


def checks(grounds: Sequence[Grounds], person: Person, sizes: Sizes) -> Checks:
    """Time `authenticate` under each setup in this process. Blocks."""
    return asyncio.run(_checks(grounds, person, sizes))


async def _checks(grounds: Sequence[Grounds], person: Person, sizes: Sizes) -> Checks:
    found = Checks(len(grounds))
    async with contextlib.AsyncExitStack() as opened:
        limens = [await opened.enter_async_context(one.limen()) for one in grounds]
        issued = [await _issued(one, person, sizes.first_calls + 1) for one in limens]
        before = _collections()
        for number in range(sizes.first_calls):
            for limen, texts, times in zip(limens, issued, found.first, strict=True):
                times.append(await _timed(limen, texts[number]))
        for turn in range(sizes.warm_up + sizes.calls):
            for limen, texts, times in zip(limens, issued, found.warm, strict=True):
                taken = await _timed(limen, texts[-1])
                if turn >= sizes.warm_up:
                    times.append(taken)
        found.collections = _collections() - before
    return found


async def _timed(limen: Limen, credential: str) -> int:
    began = elapsed_ns()
    verdict = await limen.authenticate(credential)
    taken = elapsed_ns() - began
    if not isinstance(verdict, Authenticated):
        raise TypeError("a credential that had just been issued was not accepted")
    return taken


async def _issued(limen: Limen, person: Person, count: int) -> list[str]:
    account = await limen.account_by_email(person.email)
    if account is None:
        raise RuntimeError("the person has no account")
    texts = []
    for _ in range(count):
        proof = Authentication(account.id, limen.assembly.clock.now())
        signed_in = await limen.remember(proof)
        if isinstance(signed_in, Refused):
            raise TypeError(f"the sign-in was refused: {signed_in.reason.value}")
        texts.append(signed_in.issued.access.reveal())
    return texts


def _collections() -> int:
    return sum(one["collections"] for one in gc.get_stats())


def requests(
    grounds: Sequence[Grounds], person: Person, sizes: Sizes
) -> tuple[list[Sample], Sample]:
    """Time whole requests under each setup, and to a resource without any check. Blocks."""
    with servers(grounds) as ports, contextlib.ExitStack() as opened:
        callers = []
        for port in ports:
            caller = opened.enter_context(Caller(port))
            caller.sign_in(person)
            callers.append((caller, PROTECTED))
        callers.append((callers[0][0], OPEN))
        times: list[list[int]] = [[] for _ in callers]
        for turn in range(sizes.warm_up + sizes.requests):
            for (caller, path), taken in zip(callers, times, strict=True):
                began = elapsed_ns()
                caller.get(path)
                if turn >= sizes.warm_up:
                    taken.append(elapsed_ns() - began)
    *protected, unprotected = (Sample(tuple(taken)) for taken in times)
    return protected, unprotected

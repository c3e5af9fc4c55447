"""The stage of a case: one clock, one sink, and processes over one store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from limen.assembly import Assembly
from limen.guarantees import Receipt
from limen.operations import Operations, Parts, SignedIn
from limen.principal import Authentication
from limen.revocation import Target
from limen.secret import Secret
from limen.testing.clock import FrozenClock
from limen.testing.entropy import SeededEntropy
from limen.testing.flows import FlowTranscript, overheard
from limen.trace.sink import RingSink
from limen.verdict import Authenticated, Issued, Refused

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.guarantees import Guarantees
    from limen.strategies.base import Strategy
    from limen.trace.sink import Sink
    from limen.verdict import Verdict

R = TypeVar("R")
S = TypeVar("S", bound="Casting")

SUBJECT: Final = "usr_of_the_suite"


class Casting:
    """What a subclass of the suite provides."""

    def make_limen(self, clock: FrozenClock, entropy: Entropy, sink: Sink) -> Limen:
        """Return a Limen that is not open; each call is a process over the same store.

        Raises `TypeError` until a subclass says which.
        """
        del clock, entropy, sink
        raise TypeError(f"{type(self).__name__} must say how to make a Limen: def make_limen(...)")

    def make_strategy(self, parts: Parts) -> Strategy:
        """Return the strategy to judge; without an answer of yours, the Limen's own."""
        return parts.primary


def install(limen: Limen, make_strategy: Callable[[Parts], Strategy]) -> Strategy:
    """Let a strategy of your own issue credentials in a Limen that is not open yet."""
    assembly = limen.assembly
    strategy = make_strategy(assembly.parts)
    parts = replace(assembly.parts, primary=strategy)
    changed: Assembly = replace(assembly, parts=parts, operations=Operations(parts))
    limen._assembly = changed
    limen._operations = changed.operations
    return strategy


class Stage:
    """One clock, one sink and the processes that a test has started."""

    def __init__(self, suite: Casting) -> None:
        self.clock = FrozenClock()
        self.sink = RingSink()
        self.receipts: list[Receipt] = []
        self._suite = suite
        self._processes: list[Limen] = []

    async def start(self) -> Process:
        """Start one more process over the same store."""
        number = len(self._processes)
        limen = self._suite.make_limen(self.clock, SeededEntropy(f"process {number}"), self.sink)
        strategy = install(limen, self._suite.make_strategy)
        await limen.open()
        self._processes.append(limen)
        return Process(self, limen, strategy)

    async def stop(self) -> None:
        """Stop every process."""
        for limen in self._processes:
            await limen.close()


class Process:
    """One Limen, run so that everything its flows yield is heard."""

    def __init__(self, stage: Stage, limen: Limen, strategy: Strategy) -> None:
        self.stage = stage
        self.limen = limen
        self.strategy = strategy
        self.flows = limen.assembly.operations

    @property
    def guarantees(self) -> Guarantees:
        """What the strategy promises."""
        return self.strategy.guarantees

    async def hear(self, flow: Flow[R]) -> FlowTranscript[R]:
        """Run a flow; every refusal must be explained by the check right before it."""
        heard = await self.limen.run(overheard(flow))
        assert heard.explains_itself, (heard.value, heard.steps[-2:])
        return heard

    async def sign_in(self, *presented: str) -> Issued:
        """Sign somebody in who held `presented` before."""
        proof = Authentication(SUBJECT, self.stage.clock.now(), ("pwd", "otp"))
        signed_in = (await self.hear(self.flows.remember(proof, presented=presented))).value
        assert isinstance(signed_in, SignedIn)
        return signed_in.issued

    async def present(self, credential: Secret) -> FlowTranscript[Verdict]:
        """Present a credential as a request does."""
        return await self.hear(self.flows.authenticate(credential.reveal()))

    async def accepts(self, credential: Secret) -> bool:
        """Tell whether a request with this credential is let through."""
        return isinstance((await self.present(credential)).value, Authenticated)

    async def renew(self, issued: Issued) -> Issued | Refused:
        """Trade what a client holds for renewing."""
        return (await self.hear(self.flows.refresh(held(issued).reveal()))).value

    async def recalls(self, issued: Issued) -> bool:
        """Tell whether what a client holds for renewing stands for anybody."""
        verdict = (await self.hear(self.flows.recall(held(issued).reveal()))).value
        return isinstance(verdict, Authenticated)

    async def revoke(self, target: Target) -> Receipt:
        """Revoke, and keep the receipt."""
        receipt = (await self.hear(self.flows.revoke(target))).value
        self.stage.receipts.append(receipt)
        return receipt


def held(issued: Issued) -> Secret:
    """Return what a client presents to be renewed."""
    return issued.refresh or issued.access


def forged(credential: Secret) -> Secret:
    """Return a credential of the same shape that nobody issued."""
    text = credential.reveal()
    middle = len(text) // 2
    other = "A" if text[middle] != "A" else "B"
    return Secret(text[:middle] + other + text[middle + 1 :])


def staged(check: Callable[[S, Process], Awaitable[None]]) -> Callable[[S], None]:
    """Turn a case into a plain test that starts one process and stops all of them."""

    def test(self: S) -> None:
        async def run() -> None:
            stage = Stage(self)
            try:
                await check(self, await stage.start())
            finally:
                await stage.stop()

        asyncio.run(run())

    test.__name__ = check.__name__
    test.__qualname__ = check.__qualname__
    test.__doc__ = check.__doc__
    return test

"""One process of a run: opens a Limen and does random things until it is told to stop.

Started with a JSON text as its only argument. SIGTERM ends it in order, SIGUSR1 steps its
clock back. Everything that it does goes into its journal.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from journal import Journal
from known import Known, SignedIn
from operations import Outcome

from limen import Authenticated, Authentication, Limen, Refused, Target
from limen.errors import StoreUnavailable
from limen.verdict import Issued

LANES: Final = 3  # operations of one process that are under way at a time
LIVING: Final = 48  # sessions that a run keeps alive
USERS: Final = 16
READS: Final = 4  # in a row, as reading is what a service does most
PATIENCE_S: Final = 0.01
OPENING_S: Final = 60
TELLING_S: Final = 30
# Reasons after which a session need not be tried as a living one.
OVER: Final = ("unknown_session", "revoked", "replayed")


class Worker:
    """Does random operations and writes down each of them."""

    def __init__(self, auth: Limen, given: dict[str, Any]) -> None:
        self.auth = auth
        self.process: str = given["process"]
        self.signed: bool = given["signed"]
        place = Path(given["place"])
        self.choose = random.Random(f"{given['seed']} {self.process}")
        self.journal = Journal(place, self.process)
        self.known = Known(place, self.choose)
        self.names = itertools.count()
        self.stopping = False

    async def live(self) -> None:
        """Work in several lanes until told to stop."""
        await asyncio.gather(*(self.lane() for _ in range(LANES)))

    async def lane(self) -> None:
        while not self.stopping:
            self.known.listen()
            if not await self.something():
                await asyncio.sleep(PATIENCE_S)  # the store does not answer; leave it some peace
            await asyncio.sleep(0)

    async def something(self) -> bool:
        """Do one thing, or some reads; false if the store did not answer."""
        drawn = self.choose.random()
        if len(self.known) < LIVING // 2:
            return await self.sign_in()
        if drawn < 0.05:
            return await self.revoke()
        if drawn < 0.09:
            return await self.refresh(self.known.living(), stale=self.choose.random() < 0.1)
        if drawn < 0.095:
            return await self.refresh(self.known.bygone(), stale=False)
        if drawn < 0.14 and len(self.known) < LIVING:
            return await self.sign_in()
        if drawn < 0.142:
            return await self.purge()
        for _ in range(READS):
            self.known.listen()
            if not await self.some_read():
                return False
        return True

    async def some_read(self) -> bool:
        """Try a credential of a session that has just ended, ended long ago, or lives."""
        drawn = self.choose.random()
        if drawn < 0.35:
            return await self.read(self.known.ending())
        if drawn < 0.45:
            return await self.read(self.known.bygone())
        return await self.read_living()

    # -- the operations

    async def read_living(self) -> bool:
        one = self.known.living()
        if one is None:
            return await self.sign_in()
        if one.usable(self.known.dead_keys) is None and self.choose.random() < 0.5:
            return await self.refresh(one, stale=False)
        return await self.read(one)

    async def read(self, one: SignedIn | None) -> bool:
        if one is None:
            return True
        access = self.choose.choice(one.accesses)
        outcome, reason = Outcome.ACCEPTED, ""
        call = time.monotonic_ns()
        try:
            verdict = await self.auth.authenticate(access.text)
        except StoreUnavailable:
            outcome = Outcome.UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - whatever it is, the checker shall see it
            outcome, reason = Outcome.FAULT, type(error).__name__
        else:
            if not isinstance(verdict, Authenticated):
                outcome = Outcome.REFUSED
                reason = verdict.reason.value if isinstance(verdict, Refused) else "absent"
                if reason in OVER and access.key not in self.known.dead_keys:
                    self.known.ended(one)
        self.journal.read(call, access.name, outcome, reason)
        return outcome is not Outcome.UNAVAILABLE

    async def sign_in(self) -> bool:
        user = f"usr_{self.choose.randrange(USERS)}"
        number = self.journal.call("sign_in", user=user)
        proven = Authentication(user, self.auth.assembly.clock.now())
        return await self.record(number, self._remember(proven))

    async def _remember(self, proven: Authentication) -> Issued | Refused:
        signed_in = await self.auth.remember(proven)
        return signed_in if isinstance(signed_in, Refused) else signed_in.issued

    async def refresh(self, one: SignedIn | None, *, stale: bool) -> bool:
        if one is None:
            return True
        if not self.signed:
            presented = one.accesses[-1].text
        else:
            presented = one.refreshes[0] if stale else self.known.newest_refresh(one)
        number = self.journal.call("refresh", session=one.session, presented=presented)
        return await self.record(number, self.auth.refresh(presented), one)

    async def revoke(self) -> bool:
        drawn = self.choose.random()
        one = self.known.living()
        if one is None:
            return await self.sign_in()
        if drawn < 0.80:
            target = Target.session(one.session)
        elif drawn < 0.94:
            target = Target.user(one.user)
        elif drawn < 0.99:
            target = Target.user(one.user, keep=one.session)
        else:
            target = Target.everybody()
        return await self.revoke_target(target)

    async def revoke_target(self, target: Target) -> bool:
        number = self.journal.call(
            "revoke", kind=target.kind.value, subject=target.subject, keep=target.keep
        )
        return await self.record(number, self.auth.revoke(target))

    async def revoke_key(self) -> None:
        """End the key that signs now; called from outside, as this is a rare thing."""
        if self.signed:
            signing = self.auth.assembly.keys.keyring.signing
            await self.revoke_target(Target.key(signing.id))

    async def purge(self) -> bool:
        try:
            await self.auth.purge()
        except StoreUnavailable:
            return False
        return True

    # -- writing down

    async def record(self, number: int, asked: Any, one: SignedIn | None = None) -> bool:
        """Await an operation and write down how it came out."""
        try:
            answer = await asked
        except StoreUnavailable:
            self.journal.returned(number, Outcome.UNAVAILABLE)
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the checker shall see it
            self.journal.returned(number, Outcome.FAULT, f"{type(error).__name__}: {error}")
            return True
        if isinstance(answer, Refused):
            self.journal.returned(number, Outcome.REFUSED, answer.reason.value)
            if one is not None and answer.reason.value in OVER:
                self.known.ended(one)
        elif isinstance(answer, Issued):
            self.journal.returned(number, Outcome.ACCEPTED, issued=self._issued(answer, one))
        else:
            self.journal.returned(number, Outcome.ACCEPTED)
        return True

    def _issued(self, answer: Issued, one: SignedIn | None) -> dict[str, Any]:
        text = answer.access.reveal()
        held = [access.name for access in one.accesses if access.text == text] if one else []
        return {
            "name": held[0] if held else f"{self.process}.{next(self.names)}",
            "text": text,
            "user": answer.principal.subject,
            "session": answer.principal.session_id,
            "key": answer.principal.key_id,
            "expires_at": answer.access_expires_at,
            "refresh": answer.refresh.reveal() if answer.refresh else None,
        }


def step_clock_back(by_s: float) -> None:
    """Let the time of day of this process lie in the past from now on, as NTP may."""
    read = time.time_ns
    time.time_ns = lambda: read() - round(by_s * 1e9)  # type: ignore[assignment]


async def main(given: dict[str, Any]) -> None:
    """Open, work, close."""
    loop = asyncio.get_running_loop()
    if given["behind"]:
        step_clock_back(given["step_back"])
    auth = Limen(given["strategy"], **given["options"])
    until = time.monotonic() + OPENING_S
    while True:
        try:
            await auth.open()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(PATIENCE_S)
        else:
            break
    worker = Worker(auth, given)
    chores: set[asyncio.Task[None]] = set()

    def stop() -> None:
        worker.stopping = True
        loop.call_later(TELLING_S, tell)

    def tell() -> None:
        for task in asyncio.all_tasks(loop):
            task.print_stack()  # where it stands, for whoever waits for this process in vain

    def revoke_key() -> None:
        chores.add(loop.create_task(worker.revoke_key()))

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGUSR1, step_clock_back, given["step_back"])
    loop.add_signal_handler(signal.SIGUSR2, revoke_key)
    worker.journal.ready()
    await worker.live()
    await asyncio.gather(*chores)
    await auth.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

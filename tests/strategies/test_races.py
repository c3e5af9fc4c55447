"""What was signed while a revocation was under way is covered by it, whatever the clocks say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from limens import QUICK, blocking

from limen import Authenticated, Authentication, BlockingLimen, Limen, Refused, Target
from limen.effects import AskFeed, Increment, ReadLog, RotateRefresh
from limen.feeds import FollowingFeed, coverage
from limen.revocation import Coverage
from limen.secret import Secret
from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.stores.sql import migrate, open_store
from limen.testing import FrozenClock, StepClock
from limen.verdict import Issued

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"


def two_processes(ahead: int) -> tuple[BlockingLimen, BlockingLimen, tuple[StepClock, StepClock]]:
    """Two processes over one store, of which the second's clock is ahead."""
    store, clock, other = BlockingMemoryStore(), StepClock(), StepClock()
    other.advance(ahead)
    here = blocking("hybrid", store=store, clock=clock)
    there = blocking("hybrid", store=store, clock=other)
    here.open()
    there.open()
    return here, there, (clock, other)


def end_everything(limen: BlockingLimen, account: str, how: str) -> None:
    if how == "user":
        limen.revoke(Target.user(account))
    elif how == "everybody":
        limen.revoke(Target.everybody())
    elif how == "disable":
        limen.disable(account)
    else:
        limen.set_roles(account, ["reader"])


@pytest.mark.parametrize("how", ["user", "everybody", "disable", "roles"])
@pytest.mark.parametrize("kind", ["reissue", "service_token"])
def test_a_token_from_a_clock_that_is_ahead_is_covered(how: str, kind: str) -> None:
    here, there, clocks = two_processes(ahead=1_000)
    signed_up = here.sign_up(EMAIL, PASSWORD)
    assert not isinstance(signed_up, Refused)
    issued = signed_up.issued
    assert issued.refresh is not None
    if kind == "reissue":
        again = there.reissue(issued.refresh.reveal())
        assert isinstance(again, Issued)
        late: Secret | Refused = again.access
    else:
        late = there.service_token(issued.principal)
    assert isinstance(late, Secret)
    assert isinstance(there.authenticate(late.reveal()), Authenticated)
    end_everything(here, issued.principal.subject, how)
    for clock in clocks:
        clock.advance(2_000)  # every feed has looked by now
    for process in (here, there):
        assert isinstance(process.authenticate(late.reveal()), Refused)


def test_no_service_token_for_a_session_that_has_ended() -> None:
    here, _, _ = two_processes(ahead=0)
    signed_up = here.sign_up(EMAIL, PASSWORD)
    assert not isinstance(signed_up, Refused)
    here.revoke(Target.user(signed_up.issued.principal.subject))
    assert isinstance(here.service_token(signed_up.issued.principal), Refused)


@pytest.mark.parametrize("strategy", ["jwt", "hybrid", "session"])
def test_a_sign_in_in_flight_does_not_keep_a_role_that_was_taken_away(strategy: str) -> None:
    limen = blocking(strategy)
    limen.open()
    added = limen.add_account(EMAIL, PASSWORD, roles=["admin"])
    assert not isinstance(added, Refused)
    flow = limen.assembly.operations.sign_in(EMAIL, PASSWORD)
    answer: Any = None
    ended: Any = None
    while ended is None:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            ended = stop.value
            break
        answer = limen.answer(step) if hasattr(step, "access") else None
        if type(step).__name__ == "VerifyPassword":  # the roles have been read by now
            limen.set_roles(added.id, [])
    assert isinstance(ended, Refused)


def test_one_token_of_a_time_without_a_store_opens_one_session() -> None:
    clock = FrozenClock()
    before = BlockingLimen("jwt", refresh=None, clock=clock, **QUICK)
    before.open()
    old = before.remember(Authentication("42", clock.now()))
    assert not isinstance(old, Refused)
    after = blocking("session", accept=("jwt",), clock=clock)
    after.open()
    verdict = after.authenticate(old.issued.access.reveal())
    assert isinstance(verdict, Authenticated)
    opened = [after.exchange(verdict.principal) for _ in range(5)]
    assert [isinstance(one, Issued) for one in opened] == [True, False, False, False, False]
    assert len(after.sessions("42")) == 1


class Reluctant(MemoryStore):
    """A store that fails the reading of keys as often as it is told to."""

    failures = 0

    async def perform(self, effect: Any) -> Any:
        if type(effect).__name__ == "LoadKeys" and self.failures:
            self.failures -= 1
            raise RuntimeError("the keys cannot be read just now")
        return await super().perform(effect)


def test_a_withdrawn_key_is_read_again_until_that_works() -> None:
    async def scenario() -> None:
        store = Reluctant()
        options: Any = QUICK | {"store": store, "feed_interval": 0.02}
        async with Limen("hybrid", **options) as here, Limen("hybrid", **options) as there:
            signing = there.assembly.keys.keyring.signing.id
            await here.revoke(Target.key(signing))
            store.failures = 3
            for _ in range(100):
                await asyncio.sleep(0.02)
                if there.assembly.keys.keyring.find(signing) is None:
                    break
            assert there.assembly.keys.keyring.find(signing) is None

    asyncio.run(scenario())


class StandingClock:
    """A clock that stepped back: it stands at its high-water mark."""

    def now(self) -> int:
        return 1_800_000_000_000


class Silent(MemoryStore):
    """A store whose log cannot be read once it is cut."""

    cut = False

    async def perform(self, effect: Any) -> Any:
        if self.cut and isinstance(effect, ReadLog):
            raise RuntimeError("cut")
        return await super().perform(effect)


def test_a_cut_feed_is_stale_even_when_the_time_of_day_stands_still() -> None:
    async def scenario() -> None:
        store = Silent()
        feed = FollowingFeed(store, StandingClock(), max_lag=60, interval=10)
        await feed.start()
        question = AskFeed("ses_x", "usr_x", None, 0)
        assert coverage(feed, question) is Coverage.CLEAR
        store.cut = True
        for _ in range(100):
            await asyncio.sleep(0.02)
            if coverage(feed, question) is Coverage.STALE:
                break
        assert coverage(feed, question) is Coverage.STALE
        await feed.stop()

    asyncio.run(scenario())


@pytest.mark.proves("asvs:15.4.3")
def test_a_cancelled_write_leaves_no_lock_behind(tmp_path: Any) -> None:
    async def scenario() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'app.db'}"
        migrate(url)
        store = open_store(url)
        await store.open()
        for round_ in range(20):
            task = asyncio.ensure_future(store.perform(Increment("a", 1_000, round_)))
            await asyncio.sleep(0.0005 * round_)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            tally = await asyncio.wait_for(store.perform(Increment("b", 10**9, round_)), 4)
            assert tally.count == round_ + 1
        await store.close()

    asyncio.run(scenario())


def test_nothing_leads_from_a_spent_refresh_token_to_the_live_one() -> None:
    store = BlockingMemoryStore()
    clock = StepClock()
    limen = blocking("hybrid", store=store, clock=clock)
    limen.open()
    signed = limen.remember(Authentication("42", clock.now()))
    assert not isinstance(signed, Refused)
    tokens = [signed.issued.refresh]
    for _ in range(3):
        assert tokens[-1] is not None
        renewed = limen.refresh(tokens[-1].reveal())
        assert isinstance(renewed, Issued)
        tokens.append(renewed.refresh)
    first = tokens[0]
    assert first is not None
    # Whoever has the table asks for a repetition without any grace being over.
    again = store.perform(RotateRefresh(first.digest(), b"x" * 32, b"", clock.now(), 10**9))
    assert not hasattr(again, "sealed_successor")

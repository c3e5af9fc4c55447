"""`Limen.watch`: what ends an open connection, in every order of events."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref

import pytest
from limens import STRATEGIES
from two_limens import two

from limen import Authenticated, Authentication, Principal, Session, Target
from limen.connections import ASKED_AT_ONCE, Connection, Ending
from limen.effects import Effect, ReadLog
from limen.errors import StoreUnavailable
from limen.operations import SignedIn
from limen.strategies import SessionStrategy
from limen.testing.clock import FrozenClock

# No look of its own comes in between: only what a test lets happen does.
SLOW = {"max_lag": 60, "feed_interval": 29}
PATIENCE_S = 60
PAST_IDLE_MS = 8 * 24 * 3_600_000


async def ending(connection: Connection) -> Ending:
    return await asyncio.wait_for(connection.ended(), PATIENCE_S)


def aimed(aim: str, principal: Principal) -> Target:
    return {
        "session": Target.session(principal.session_id),
        "user": Target.user(principal.subject),
        "everybody": Target.everybody(),
        "tokens": Target.tokens(principal.subject),
        "key": Target.key(str(principal.key_id)),
    }[aim]


SIGNED_ONLY = ("tokens", "key")
AIMS = [
    (strategy, aim)
    for strategy in STRATEGIES
    for aim in ("session", "user", "everybody", *SIGNED_ONLY)
    if strategy != "session" or aim not in SIGNED_ONLY
]


@pytest.mark.parametrize("moment", ["before", "before the read", "after the read", "later"])
@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize(("strategy", "aim"), AIMS)
def test_no_revocation_falls_between_a_verdict_and_the_watch_over_its_connection(
    strategy: str, aim: str, moment: str, heard: bool
) -> None:
    async def scenario() -> None:
        async with two(strategy, **SLOW) as both:
            # The process follows the log already, and looks when the test says so.
            with await both.there.watch(await both.principal("eve")):
                principal = await both.principal()

                async def revoke() -> None:
                    await both.here.revoke(aimed(aim, principal))
                    if heard:
                        await both.hear()

                if moment == "before":
                    await revoke()
                elif moment == "before the read":
                    both.store.before = revoke
                elif moment == "after the read":
                    both.store.after = revoke
                with await both.there.watch(principal) as connection:
                    if moment == "later":
                        assert connection.ending is None
                        await revoke()
                    await both.hear()
                    assert await ending(connection) is Ending.SIGNED_OUT

    asyncio.run(scenario())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_sign_in_after_everywhere_is_not_ended_by_an_entry_that_is_heard_late(
    strategy: str,
) -> None:
    async def scenario() -> None:
        async with two(strategy, **SLOW) as both:
            for target in (Target.user("ada"), Target.everybody()):
                with await both.there.watch(await both.principal()) as before:
                    await both.here.revoke(target)
                    with await both.there.watch(await both.principal()) as after:
                        await both.hear()
                        assert before.ending is Ending.SIGNED_OUT
                        assert after.ending is None

    asyncio.run(scenario())


@pytest.mark.parametrize(("strategy", "aim"), AIMS)
def test_while_only_the_log_is_cut_the_store_is_asked_about_each(strategy: str, aim: str) -> None:
    async def scenario() -> None:
        async with two(strategy, max_lag=2) as both:
            ada = await both.principal("ada")
            with await both.there.watch(ada) as one:
                both.store.cut = (ReadLog,)
                await both.here.revoke(aimed(aim, ada))
                assert await ending(one) is Ending.SIGNED_OUT

    asyncio.run(scenario())


def test_what_the_store_vouches_for_stays_open_while_the_log_is_cut() -> None:
    async def scenario() -> None:
        async with two("hybrid", max_lag=4) as both:
            with await both.there.watch(await both.principal()) as connection:
                both.store.cut = (ReadLog,)
                await asyncio.sleep(5)  # longer than anything is believed unasked
                assert connection.ending is None

    asyncio.run(scenario())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_when_the_store_is_gone_nothing_stays_open_and_nothing_opens(strategy: str) -> None:
    async def scenario() -> None:
        async with two(strategy, max_lag=0.8, feed_interval=0.1) as both:
            principal = await both.principal()
            with await both.there.watch(principal) as connection:
                both.store.cut = (Effect,)
                assert await ending(connection) is Ending.UNKNOWN
                with pytest.raises(StoreUnavailable):
                    await both.there.watch(principal)
                assert both.left == 0
                both.store.cut = ()
            with await both.there.watch(principal) as again:
                assert again.ending is None

    asyncio.run(scenario())


def test_where_sessions_end_without_an_entry_in_the_log_the_store_is_asked() -> None:
    async def scenario() -> None:
        async with two(SessionStrategy(), max_lag=2) as both:
            ada, eve = await both.principal("ada"), await both.principal("eve")
            with await both.there.watch(ada) as one, await both.there.watch(eve) as other:
                await both.here.revoke(Target.user("ada"))
                assert await both.store.perform(ReadLog(0)) == ()
                assert await ending(one) is Ending.SIGNED_OUT
                assert other.ending is None

    asyncio.run(scenario())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_connection_ends_with_its_session_and_is_no_use_of_it(strategy: str) -> None:
    async def scenario() -> None:
        times = {"access_lifetime": 4, "idle": 4, "absolute": 60}
        async with two(strategy, **times) as both:
            clock = both.there.assembly.clock
            signed_in = await both.there.remember(Authentication("ada", clock.now()))
            assert isinstance(signed_in, SignedIn)
            issued = signed_in.issued
            with await both.there.watch(issued.principal) as connection:
                await asyncio.sleep(0.3)
                renewed = await both.there.refresh((issued.refresh or issued.access).reveal())
                assert not hasattr(renewed, "reason")
                session = await both.there.session(issued.principal.session_id)
                assert isinstance(session, Session)
                assert session.used_at > session.created_at
                assert await ending(connection) is Ending.SIGNED_OUT
                assert clock.now() >= session.ends_at
            assert both.left == 0

    asyncio.run(scenario())


def test_closing_limen_ends_what_it_can_no_longer_watch_over() -> None:
    async def scenario() -> None:
        async with two("session") as both:
            with await both.there.watch(await both.principal()) as connection:
                await both.there.close()
                assert connection.ending is Ending.UNKNOWN
                await both.there.open()
            with await both.there.watch(await both.principal()) as again:
                await both.here.revoke(Target.everybody())
                assert await ending(again) is Ending.SIGNED_OUT

    asyncio.run(scenario())


def test_a_connection_that_has_closed_is_forgotten_and_its_end_is_nobody_s_news() -> None:
    async def scenario() -> None:
        async with two("hybrid") as both:
            told: list[Ending] = []
            connection = await both.there.watch(await both.principal())
            connection.on_end(told.append)
            connection.close()
            connection.close()
            assert both.left == 0
            await both.here.revoke(Target.everybody())
            await both.hear()
            assert told == []
            assert connection.ending is None

    asyncio.run(scenario())


def test_roles_that_changed_since_the_verdict_are_not_kept_open() -> None:
    async def scenario() -> None:
        async with two("session", **SLOW) as both:
            signed_up = await both.there.sign_up("ada@example.org", "seven golden teapots")
            assert isinstance(signed_up, SignedIn)
            principal = signed_up.issued.principal
            await both.here.set_roles(principal.subject, ["admin"])
            with await both.there.watch(principal) as connection:
                assert connection.ending is Ending.SIGNED_OUT
            now = await both.there.authenticate(signed_up.issued.access.reveal())
            assert isinstance(now, Authenticated)
            with await both.there.watch(now.principal) as connection:
                assert connection.ending is None

    asyncio.run(scenario())


def test_a_listener_that_fails_keeps_nobody_else_open(caplog: pytest.LogCaptureFixture) -> None:
    def fails(why: Ending) -> None:
        raise RuntimeError(why.name)

    async def scenario() -> None:
        async with two("hybrid", **SLOW) as both:
            connections = [await both.there.watch(await both.principal()) for _ in range(5)]
            for one in connections:
                one.on_end(fails)
            await both.here.revoke(Target.user("ada"))
            await both.hear()  # and the request in which the feed was read is served
            assert {one.ending for one in connections} == {Ending.SIGNED_OUT}
            assert both.left == 0

    asyncio.run(scenario())
    assert caplog.text.count("RuntimeError: SIGNED_OUT") == 5


def test_a_listener_that_fails_does_not_stop_the_looks(caplog: pytest.LogCaptureFixture) -> None:
    def fails(why: Ending) -> None:
        raise RuntimeError(why.name)

    async def scenario() -> None:
        async with two("hybrid", max_lag=0.8, feed_interval=0.1) as both:
            with await both.there.watch(await both.principal()) as one:
                one.on_end(fails)
                both.store.cut = (Effect,)
                assert await ending(one) is Ending.UNKNOWN
                both.store.cut = ()
            with await both.there.watch(await both.principal()) as other:
                both.store.cut = (Effect,)
                assert await ending(other) is Ending.UNKNOWN

    asyncio.run(scenario())
    assert "RuntimeError: UNKNOWN" in caplog.text


@pytest.mark.parametrize("fault", [StoreUnavailable("cut"), RuntimeError("unforeseen"), None])
def test_past_its_end_nothing_stays_open_because_nobody_can_tell_whether_that_has_moved(
    fault: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limen.connections.CLOCK_READ_EVERY_S", 0.05)

    async def scenario() -> None:
        async def fails() -> None:
            both.store.before = fails
            if fault is not None:
                raise fault
            await asyncio.Event().wait()  # a store that never answers

        clock = FrozenClock()
        async with two("hybrid", clock, max_lag=1) as both:
            with await both.there.watch(await both.principal()) as connection:
                both.store.before = fails  # the log can be read all the while
                clock.advance(PAST_IDLE_MS)
                assert await ending(connection) is Ending.UNKNOWN

    asyncio.run(scenario())


def test_many_that_end_at_once_ask_the_store_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("limen.connections.CLOCK_READ_EVERY_S", 0.05)

    async def scenario() -> None:
        asking = most = 0

        async def slow() -> None:
            nonlocal asking, most
            both.store.before = slow
            asking += 1
            most = max(most, asking)
            await asyncio.sleep(0.01)
            asking -= 1

        clock = FrozenClock()
        async with two("session", clock, **SLOW) as both:
            people = [await both.principal(str(number)) for number in range(4 * ASKED_AT_ONCE)]
            connections = [await both.there.watch(one) for one in people]
            both.store.before = slow
            clock.advance(PAST_IDLE_MS)
            endings = await asyncio.gather(*map(ending, connections))
            assert set(endings) == {Ending.SIGNED_OUT}
            assert 1 < most <= ASKED_AT_ONCE

    asyncio.run(scenario())


def test_a_clock_that_leaps_past_the_end_of_a_session_ends_what_it_has_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("limen.connections.CLOCK_READ_EVERY_S", 0.05)

    async def scenario() -> None:
        clock = FrozenClock()
        async with two("hybrid", clock, **SLOW) as both:
            with await both.there.watch(await both.principal()) as connection:
                await asyncio.sleep(0.2)
                assert connection.ending is None
                clock.advance(PAST_IDLE_MS)  # as when a machine was suspended
                assert await ending(connection) is Ending.SIGNED_OUT

    asyncio.run(scenario())


def test_what_cannot_be_judged_in_time_is_not_opened() -> None:
    async def scenario() -> None:
        async with two("hybrid", max_lag=0.8, feed_interval=0.1) as both:
            with await both.there.watch(await both.principal()):

                async def gone() -> None:
                    both.store.cut = (ReadLog,)
                    both.store.before = stuck
                    await asyncio.sleep(2)

                async def stuck() -> None:
                    both.store.before = stuck
                    await asyncio.Event().wait()

                principal = await both.principal()
                both.store.before = gone
                with pytest.raises(StoreUnavailable):
                    await both.there.watch(principal)
            assert both.left == 0

    asyncio.run(scenario())


def test_watching_keeps_nothing_of_what_a_request_holds_besides() -> None:
    class Body:
        """What a request may hold in its context."""

    held: contextvars.ContextVar[Body] = contextvars.ContextVar("held")

    async def scenario() -> None:
        async with two("hybrid", **SLOW) as both:
            people = [await both.principal(), await both.principal()]
            opened: list[Connection] = []

            async def request() -> weakref.ref[Body]:
                body = Body()
                held.set(body)
                opened.extend([await both.there.watch(one) for one in people])
                return weakref.ref(body)

            seen = await asyncio.create_task(request())
            opened.pop().close()
            await asyncio.sleep(0)
            gc.collect()
            assert seen() is None
            assert opened.pop().ending is None

    asyncio.run(scenario())

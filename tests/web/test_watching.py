"""`Limen.watch`: what ends an open connection, in every order of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from limens import QUICK, STRATEGIES

from limen import Authenticated, Authentication, Limen, Principal, Session, Target
from limen.connections import Connection, Ending
from limen.effects import Effect, FindSession, ReadLog
from limen.errors import StoreUnavailable
from limen.operations import SignedIn
from limen.stores.memory import MemoryStore
from limen.strategies import SessionStrategy
from limen.web.asgi import AuthMiddleware

# No look of its own comes in between: only what a test lets happen does.
SLOW = {"max_lag": 60, "feed_interval": 29}
PATIENCE_S = 60


class WatchedStore(MemoryStore):
    """A memory store that tells a test of reads, and whose log or all of which can be cut."""

    cut: tuple[type, ...] = ()
    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None

    async def perform(self, effect: Effect[Any]) -> Any:
        if isinstance(effect, self.cut):
            raise StoreUnavailable("cut")
        if not isinstance(effect, FindSession) or effect.id is None:
            return await super().perform(effect)
        before, self.before = self.before, None
        if before is not None:
            await before()
        answer = await super().perform(effect)
        after, self.after = self.after, None
        if after is not None:
            await after()
        return answer


class Two:
    """Two processes over one store: one where connections are open, one that revokes."""

    def __init__(self, store: WatchedStore, there: Limen, here: Limen) -> None:
        self.store, self.there, self.here = store, there, here

    async def principal(self, subject: str = "ada") -> Principal:
        now = self.here.assembly.clock.now()
        signed_in = await self.here.remember(Authentication(subject, now))
        assert isinstance(signed_in, SignedIn)
        verdict = await self.there.authenticate(signed_in.issued.access.reveal())
        assert isinstance(verdict, Authenticated)
        return verdict.principal

    async def hear(self) -> None:
        if self.there._feed is not None:
            await self.there._feed.catch_up()

    @property
    def left(self) -> int:
        kept = self.there._connections
        return sum(map(len, [kept._sessions, kept._subjects, kept._keys, kept._timers]))


@asynccontextmanager
async def two(strategy: Any, **options: Any) -> AsyncIterator[Two]:
    store = WatchedStore()
    there = Limen(strategy, **QUICK, store=store, **options)
    async with there, Limen(strategy, **QUICK, store=store) as here:
        yield Two(store, there, here)


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


@pytest.mark.parametrize("accepts", [True, False])
def test_a_socket_is_told_even_by_a_server_that_says_nothing_itself(accepts: bool) -> None:
    async def scenario() -> None:
        async with two("session") as both:
            now = both.there.assembly.clock.now()
            signed_in = await both.there.remember(Authentication("ada", now))
            assert isinstance(signed_in, SignedIn)
            bearer = f"Bearer {signed_in.issued.access.reveal()}".encode()
            sent: list[Any] = []
            met: list[Any] = []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                assert isinstance(await scope["limen.auth"].verdict(), Authenticated)
                if accepts:
                    await send({"type": "websocket.accept"})
                revoked = asyncio.create_task(both.here.revoke(Target.user("ada")))
                met.extend([await receive(), await receive()])
                await revoked
                await send({"type": "websocket.close"})  # as a `finally` would
                with pytest.raises(OSError):
                    await send({"type": "websocket.accept"})
                await send({"type": "websocket.accept"})

            async def send(message: Any) -> None:
                sent.append(message)

            async def receive() -> Any:
                await asyncio.Event().wait()

            scope = {
                "type": "websocket",
                "scheme": "ws",
                "path": "/",
                "headers": [(b"host", b"127.0.0.1"), (b"authorization", bearer)],
            }
            served = AuthMiddleware(app, both.there)(scope, receive, send)
            await asyncio.wait_for(served, PATIENCE_S)
            closing = {"code": 4401, "reason": "Signed out"}
            assert met == [{"type": "websocket.disconnect", **closing}] * 2
            accepted = ["websocket.accept"] if accepts else []
            assert [one["type"] for one in sent] == [*accepted, "websocket.close"]
            assert sent[-1] == {"type": "websocket.close", **closing}
            assert both.left == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_who_sends_to_a_stream_that_was_cut_off_is_told_as_its_server_would(version: str) -> None:
    async def scenario() -> None:
        async with two("session") as both:
            now = both.there.assembly.clock.now()
            signed_in = await both.there.remember(Authentication("ada", now))
            assert isinstance(signed_in, SignedIn)
            bearer = f"Bearer {signed_in.issued.access.reveal()}".encode()
            sent: list[Any] = []
            ended = asyncio.Event()
            outcome: list[str] = []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await scope["limen.auth"].verdict()
                headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": b"a", "more_body": True})
                await both.here.revoke(Target.user("ada"))
                await asyncio.wait_for(ended.wait(), PATIENCE_S)
                outcome.append("ended")
                try:
                    await send({"type": "http.response.body", "body": b"b", "more_body": True})
                except OSError:
                    outcome.append("raised")
                    raise
                outcome.append("dropped")

            async def send(message: Any) -> None:
                sent.append(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    ended.set()

            async def receive() -> Any:
                return {"type": "http.request", "body": b""}

            scope = {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": version},
                "scheme": "http",
                "method": "GET",
                "path": "/",
                "headers": [(b"host", b"127.0.0.1"), (b"authorization", bearer)],
            }
            await AuthMiddleware(app, both.there)(scope, receive, send)
            assert [one.get("body") for one in sent] == [None, b"a", b""]
            assert outcome == ["ended", "raised" if version == "2.4" else "dropped"]
            assert both.left == 0

    asyncio.run(scenario())

"""What is cut off, between a server and an application: in every state that either may be in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from two_limens import Two, two

from limen import Authenticated, Target
from limen.effects import FindSession
from limen.web.asgi import AuthMiddleware

PATIENCE_S = 60
SIGNED_OUT = {"code": 4401, "reason": "Signed out"}
Application = Callable[[Any, Any, Any], Awaitable[None]]


class Server:
    """The least that a server does; what it sent is kept, and a client may stop reading."""

    def __init__(self, kind: str, version: str = "2.3", **scope: Any) -> None:
        self.kind, self.version, self.scope = kind, version, scope
        self.sent: list[Any] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.full = asyncio.Event()  # somebody waits for a client that does not read
        self.begun = asyncio.Event()  # of a response: its body, and its end
        self.ended = asyncio.Event()
        self._first = [{"type": "websocket.connect"}] if kind == "websocket" else []

    async def serve(self, app: Application, both: Two) -> None:
        scope = {
            "type": self.kind,
            "asgi": {"version": "3.0", "spec_version": self.version},
            "scheme": "ws" if self.kind == "websocket" else "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"host", b"127.0.0.1"), await both.bearer()],
        } | self.scope
        served = AuthMiddleware(app, both.there)(scope, self.receive, self.send)
        await asyncio.wait_for(served, PATIENCE_S)

    async def receive(self) -> Any:
        if self._first:
            return self._first.pop()
        if self.kind == "http":  # as uvicorn: no word of a client, but of the end of the response
            await self.ended.wait()
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()  # and of a socket nothing at all

    async def send(self, message: Any) -> None:
        await asyncio.sleep(0)
        if not self.reading.is_set():
            self.full.set()
            await self.reading.wait()
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.begun.set()
            if not message.get("more_body"):
                self.ended.set()

    @property
    def types(self) -> list[str]:
        return [one["type"].rpartition("websocket.")[2] for one in self.sent]


def starts(content_type: bytes = b"text/event-stream; charset=utf-8") -> Any:
    headers = [(b"content-type", content_type)]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def chunk(body: bytes, *, more: bool = True) -> Any:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize("accepts", [True, False])
def test_a_socket_is_told_even_by_a_server_that_says_nothing_itself(accepts: bool) -> None:
    async def scenario() -> None:
        async with two("session") as both:
            met: list[Any] = []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                assert await receive() == {"type": "websocket.connect"}
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

            server = Server("websocket")
            await server.serve(app, both)
            assert met == [{"type": "websocket.disconnect", **SIGNED_OUT}] * 2
            assert server.types == (["accept", "close"] if accepts else ["close"])
            assert server.sent[-1] == {"type": "websocket.close", **SIGNED_OUT}
            assert both.left == 0

    asyncio.run(scenario())


def test_an_application_of_starlette_that_is_about_to_accept_meets_no_fault() -> None:
    async def scenario() -> None:
        async with two("session") as both:

            async def chat(websocket: WebSocket) -> None:
                await websocket.scope["limen.auth"].verdict()
                await both.here.revoke(Target.user("ada"))
                await both.hear()
                await websocket.accept()
                raise AssertionError("it went on")

            server = Server("websocket", path_params={}, root_path="")
            await server.serve(Starlette(routes=[WebSocketRoute("/", chat)]), both)
            assert server.sent == [{"type": "websocket.close", **SIGNED_OUT}]
            assert both.left == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("reads_again", [True, False])
def test_a_socket_whose_client_does_not_read_holds_nobody_up(
    reads_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not reads_again:
        monkeypatch.setattr("limen.web.closing.LAST_WORD_S", 0.2)

    async def scenario() -> None:
        async with two("hybrid") as both:
            server = Server("websocket")

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                await scope["limen.auth"].verdict()
                await send({"type": "websocket.accept"})
                listening = asyncio.create_task(receive())
                server.reading.clear()
                sending = asyncio.create_task(send({"type": "websocket.send", "text": "a"}))
                await server.full.wait()
                await both.here.revoke(Target.user("ada"))
                assert await listening == {"type": "websocket.disconnect", **SIGNED_OUT}
                with pytest.raises(OSError):
                    await sending
                if reads_again:
                    server.reading.set()

            await server.serve(app, both)
            # What was not sent yet when the client was cut off is not sent later either.
            assert server.types == (["accept", "close"] if reads_again else ["accept"])
            assert both.left == 0

    asyncio.run(scenario())


def test_two_tasks_that_ask_at_once_leave_nothing_behind() -> None:
    async def scenario() -> None:
        async with two("session") as both:

            async def slow() -> None:
                both.store.before = slow
                await asyncio.sleep(0.01)

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                both.store.before = slow
                ask = scope["limen.auth"].verdict
                await asyncio.gather(ask(), ask(), ask())
                await send({"type": "websocket.accept"})
                await both.here.revoke(Target.user("ada"))
                assert await receive() == {"type": "websocket.disconnect", **SIGNED_OUT}

            server = Server("websocket")
            await server.serve(app, both)
            assert server.types == ["accept", "close"]
            assert both.left == 0

    asyncio.run(scenario())


def test_a_question_that_outlives_the_socket_watches_over_nothing() -> None:
    async def scenario() -> None:
        async with two("session") as both:
            asked, answered = asyncio.Event(), asyncio.Event()
            late: list[asyncio.Task[Any]] = []

            async def slow() -> None:
                asked.set()
                await answered.wait()

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                both.store.before = slow
                late.append(asyncio.create_task(scope["limen.auth"].verdict()))
                await asked.wait()

            await Server("websocket").serve(app, both)
            answered.set()
            assert isinstance(await late[0], Authenticated)
            assert both.left == 0

    asyncio.run(scenario())


def test_who_cancels_an_application_is_obeyed_whatever_else_happens_to_it() -> None:
    async def scenario() -> None:
        async with two("session") as both:
            inside, outcome = asyncio.Event(), []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                await scope["limen.auth"].verdict()
                await send({"type": "websocket.accept"})
                inside.set()
                try:
                    await receive()
                except asyncio.CancelledError:
                    outcome.append("cancelled")
                    raise

            server = Server("websocket")
            serving = asyncio.create_task(server.serve(app, both))
            await inside.wait()
            ((connection,),) = [tuple(both.there._connections)]
            revoking = asyncio.create_task(both.there.revoke(Target.user("ada")))
            await connection.ended()
            serving.cancel()  # in the same turn of the loop in which the socket is cut off
            with pytest.raises(asyncio.CancelledError):
                await serving
            await revoking
            assert outcome == ["cancelled"]
            assert both.left == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_who_sends_to_a_stream_that_was_cut_off_is_told_as_its_server_would(version: str) -> None:
    async def scenario() -> None:
        async with two("session") as both:
            server, outcome = Server("http", version), []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await scope["limen.auth"].verdict()
                await send(starts())
                await send(chunk(b"a"))
                await both.here.revoke(Target.user("ada"))
                await server.ended.wait()
                try:
                    await send(chunk(b"b"))
                except OSError:
                    outcome.append("raised")
                    raise
                outcome.append("dropped")

            await server.serve(app, both)
            assert [one.get("body") for one in server.sent] == [None, b"a", b""]
            assert outcome == ["raised" if version == "2.4" else "dropped"]
            assert both.left == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("reads_again", [True, False])
def test_a_stream_whose_client_does_not_read_holds_nobody_up(
    reads_again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not reads_again:
        monkeypatch.setattr("limen.web.closing.LAST_WORD_S", 0.2)

    outcome: list[str] = []

    async def scenario() -> None:
        async with two("hybrid") as both:
            server = Server("http")

            async def endless() -> Any:
                try:
                    while True:
                        yield b"data: tick\n\n"
                finally:
                    outcome.append("stopped")

            async def events(request: Any) -> StreamingResponse:
                await request.scope["limen.auth"].verdict()
                return StreamingResponse(endless(), media_type="text/event-stream")

            app = Starlette(routes=[Route("/", events)])
            serving = asyncio.create_task(server.serve(app, both))
            await server.begun.wait()
            server.reading.clear()
            await server.full.wait()
            before = len(server.sent)
            await both.here.revoke(Target.user("ada"))
            await both.hear()
            if reads_again:
                server.reading.set()
            await serving
            assert server.sent[before:] == ([chunk(b"", more=False)] if reads_again else [])
            assert both.left == 0

    asyncio.run(scenario())
    assert outcome == ["stopped"]


def test_a_stream_whose_server_takes_no_end_of_it_is_stopped_all_the_same() -> None:
    class Strict(Server):
        """It was told the length, and insists on it."""

        async def send(self, message: Any) -> None:
            if message.get("more_body") is False:
                raise RuntimeError("Response content shorter than Content-Length")
            await super().send(message)

    async def scenario() -> None:
        async with two("session") as both:
            server = Strict("http")

            async def app(scope: Any, receive: Any, send: Any) -> None:
                scope["limen.auth"].watch()
                await scope["limen.auth"].verdict()
                await send(starts(b"application/zip"))
                await send(chunk(b"a"))
                await both.here.revoke(Target.user("ada"))
                while True:  # it listens to nobody
                    await send(chunk(b"b"))

            await server.serve(app, both)
            assert b"a" in [one.get("body") for one in server.sent]
            assert both.left == 0

    asyncio.run(scenario())


def test_only_its_body_ends_a_stream() -> None:
    async def scenario() -> None:
        async with two("session") as both:
            server = Server("http")

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await scope["limen.auth"].verdict()
                await send(starts())
                await send({"type": "http.response.push", "path": "/style.css", "headers": []})
                await both.here.revoke(Target.user("ada"))
                assert await receive() == {"type": "http.disconnect"}

            await server.serve(app, both)
            assert server.types[-1:] == ["http.response.body"]
            assert both.left == 0

    asyncio.run(scenario())


def test_a_stream_that_cannot_be_judged_is_not_begun() -> None:
    async def scenario() -> None:
        async with two("hybrid") as both:
            server = Server("http")

            async def endless() -> Any:
                while True:
                    yield b"data: tick\n\n"

            async def events(request: Any) -> StreamingResponse:
                await request.scope["limen.auth"].verdict()
                both.store.cut = (FindSession,)
                return StreamingResponse(endless(), media_type="text/event-stream")

            await server.serve(Starlette(routes=[Route("/", events)]), both)
            assert [one.get("status") for one in server.sent] == [503, None]
            assert both.left == 0

    asyncio.run(scenario())


def test_an_application_that_fails_leaves_nothing_watched() -> None:
    async def scenario() -> None:
        async with two("session") as both:
            for kind, opening in (
                ("websocket", {"type": "websocket.accept"}),
                ("http", starts()),
            ):

                async def app(scope: Any, receive: Any, send: Any, opening: Any = opening) -> None:
                    await scope["limen.auth"].verdict()
                    await send(opening)
                    assert both.left > 0
                    raise LookupError

                with pytest.raises(LookupError):
                    await Server(kind).serve(app, both)
                assert both.left == 0

    asyncio.run(scenario())

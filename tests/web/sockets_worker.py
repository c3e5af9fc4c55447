"""A worker of the tests for open connections: `sockets_worker.py FD NAME=JSON...`.

It serves one application for each Limen named, at `/NAME`, on a socket that it inherits.
Besides an application's own routes there are some with which a test gives orders.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request, WebSocket, WebSocketDisconnect
from limens import QUICK
from starlette.responses import JSONResponse, StreamingResponse

from limen import Authentication, Limen, Target
from limen.revocation import Kind
from limen.web.asgi import AuthMiddleware
from limen.web.fastapi import CurrentPrincipal, install
from limen.web.starlette import request_auth_of

TICK_S = 0.02
heard: list[str] = []  # what became of the handlers, for tests to read


routes = APIRouter()  # what an application may offer that stays open


@routes.websocket("/echo")
async def echo(websocket: WebSocket, principal: CurrentPrincipal) -> None:
    await websocket.accept()
    await websocket.send_text(principal.session_id)
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect as gone:
        heard.append(f"echo {gone.code} {gone.reason}")


@routes.websocket("/push")
async def push(websocket: WebSocket, principal: CurrentPrincipal) -> None:
    await websocket.accept()
    await websocket.send_text(principal.session_id)
    try:
        while True:
            await websocket.send_text("tick")
            await asyncio.sleep(TICK_S)
    except WebSocketDisconnect as gone:
        heard.append(f"push {gone.code}")


@routes.websocket("/open")
async def open_to_all(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def ticks(name: str) -> AsyncIterator[str]:
    try:
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(TICK_S)
    finally:
        heard.append(f"{name} stopped")


async def silence(name: str) -> AsyncIterator[str]:
    try:
        yield "data: first\n\n"
        await asyncio.Event().wait()
    finally:
        heard.append(f"{name} stopped")


@routes.get("/events")
async def events(principal: CurrentPrincipal) -> StreamingResponse:
    return StreamingResponse(ticks("events"), media_type="text/event-stream")


@routes.get("/quiet")
async def quiet(principal: CurrentPrincipal) -> StreamingResponse:
    return StreamingResponse(silence("quiet"), media_type="text/event-stream")


@routes.get("/export")
async def export(request: Request, principal: CurrentPrincipal) -> StreamingResponse:
    request_auth_of(request).watch()
    return StreamingResponse(ticks("export"), media_type="application/x-ndjson")


@routes.get("/public")
async def public() -> StreamingResponse:
    return StreamingResponse(ticks("public"), media_type="text/event-stream")


@routes.get("/me")
async def me(principal: CurrentPrincipal) -> dict[str, str]:
    return {"subject": principal.subject}


def add_orders(app: FastAPI, auth: Limen) -> None:
    """Add what a test may tell this worker to do."""

    @app.post("/orders/sign-in/{subject}")
    async def sign_in(subject: str) -> Any:
        now = time.time_ns() // 1_000_000
        proven = Authentication(subject, now)
        return _described(await auth.remember(proven))

    @app.post("/orders/account/{email}")
    async def account(email: str) -> Any:
        return _described(await auth.sign_up(email, "seven golden teapots", email))

    @app.post("/orders/roles/{subject}/{role}")
    async def roles(subject: str, role: str) -> None:
        await auth.set_roles(subject, [role])

    @app.post("/orders/disable/{subject}")
    async def disable(subject: str) -> None:
        await auth.disable(subject)

    @app.post("/orders/revoke/{kind}/{subject}")
    async def revoke(kind: Kind, subject: str, keep: str | None = None) -> Any:
        target = Target(kind, "" if kind is Kind.ALL else subject, keep=keep)
        receipt = await auth.revoke(target)
        return {"ended": receipt.sessions_ended, "at": time.time()}

    @app.get("/orders/open")
    async def open_now() -> Any:
        kept = auth._connections
        names = [kept._sessions, kept._subjects, kept._keys, kept._timers, kept._tasks]
        return {"open": len(kept), "left": sum(map(len, names)), "heard": heard}


def _described(signed_in: Any) -> Any:
    issued = signed_in.issued
    return {
        "access": issued.access.reveal(),
        "refresh": issued.refresh.reveal() if issued.refresh else None,
        "subject": issued.principal.subject,
        "session": issued.principal.session_id,
        "key": issued.principal.key_id,
    }


async def raw(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    """An application of no framework that reads nothing and goes on sending."""
    await scope["limen.auth"].verdict()
    await send({"type": "websocket.accept"})
    try:
        while True:
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(TICK_S)
    finally:
        heard.append("raw stopped")


def application(named: dict[str, dict[str, Any]]) -> FastAPI:
    """Build all of it."""
    limens = {name: Limen(**(QUICK | options)) for name, options in named.items()}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for auth in limens.values():
                await stack.enter_async_context(auth)
            yield

    whole = FastAPI(lifespan=lifespan)

    @whole.get("/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({})

    for name, auth in limens.items():
        app = FastAPI()
        app.include_router(routes)
        add_orders(app, auth)
        install(app, auth)
        whole.mount(f"/{name}", app)
        whole.mount(f"/raw-{name}", AuthMiddleware(raw, auth))
    return whole


def main() -> None:
    """Serve until the test stops the process."""
    named = dict(argument.split("=", 1) for argument in sys.argv[2:])
    app = application({name: json.loads(options) for name, options in named.items()})
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    asyncio.run(server.serve(sockets=[socket.socket(fileno=int(sys.argv[1]))]))


if __name__ == "__main__":
    main()

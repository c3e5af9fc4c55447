"""Serves Limen on FastAPI or Starlette, or either of them bare, as every peer is served.

serve.py --port 8000 --variant fastapi/hybrid-sqlite, or starlette/bare
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

import uvicorn
import uvloop
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.limens import Addresses, limen_of, somebody
from bench.machine import limen_versions
from limen import Limen
from limen.errors import ConfigurationError
from limen.web import fastapi as on_fastapi
from limen.web import starlette as on_starlette

PERSON: Final = {"email": "alice@example.org", "password": "seven golden teapots"}
TYPE: Final = {"Content-Type": "application/json"}
WAIT_S: Final = 30
ANY_COOKIE: Final = "better-auth.session_token=" + "e" * 420  # as long as a signed token
OPENED: Final = frozenset({200, 201})


async def ok(request: Request) -> JSONResponse:
    """Answer anybody."""
    del request
    return JSONResponse({"ok": True})


async def remember(request: Request) -> JSONResponse:
    """Sign somebody in whom the application has authenticated itself; no password is hashed."""
    request_auth = on_starlette.request_auth_of(request)
    signed_in: Any = await request_auth.auth.remember(somebody())
    request_auth.deliver(signed_in.issued)
    return JSONResponse({"ok": True})


def starlette_app(auth: Limen | None) -> Starlette:
    """Return the routes on Starlette."""
    routes = [Route("/open", ok)]
    if auth is None:
        return Starlette(routes=[*routes, Route("/protected", let_in)])
    guarded = on_starlette.requires()(ok)
    routes += [Route("/protected", guarded), Route("/remember", remember, methods=["POST"])]
    app = Starlette(routes=routes)
    on_starlette.install(app, auth)
    return app


def fastapi_app(auth: Limen | None, *, asks: bool = False) -> FastAPI:
    """Return the routes on FastAPI, written as its users write them."""
    app = FastAPI()

    @app.get("/open")
    async def open_route() -> dict[str, bool]:
        return {"ok": True}

    if auth is None:

        async def empty(passing: Annotated[bool, Depends(AnyCookie())]) -> dict[str, bool]:
            return {"ok": passing}

        app.get("/protected")(empty)
        return app

    async def depending(principal: on_fastapi.CurrentPrincipal) -> dict[str, bool]:
        del principal
        return {"ok": True}

    async def asking(request: Request) -> dict[str, bool]:
        await on_starlette.principal_of(request)
        return {"ok": True}

    app.get("/protected")(asking if asks else depending)
    app.add_route("/remember", remember, methods=["POST"])
    on_fastapi.install(app, auth)
    return app


def fastapi_asking_app(auth: Limen | None) -> FastAPI:
    """Return the routes on FastAPI; the protected one asks who is there by itself."""
    return fastapi_app(auth, asks=True)


class AnyCookie:
    """The least that a dependency can do: whoever has a cookie may pass."""

    async def __call__(self, request: Request) -> bool:
        """Look for the line of the header."""
        if all(name != b"cookie" for name, _ in request.scope["headers"]):
            raise HTTPException(401)
        return True


async def let_in(request: Request) -> JSONResponse:
    """Stand where a bare framework has nothing: whoever has a cookie may pass."""
    return JSONResponse({"ok": await AnyCookie()(request)})


APPS: Final[dict[str, Callable[[Limen | None], Any]]] = {
    "fastapi": fastapi_app,
    "fastapi-asking": fastapi_asking_app,
    "starlette": starlette_app,
}


def send(port: int, path: str, body: dict[str, str]) -> dict[str, str]:
    """Post an object and return the cookies that the answer set, as a browser sends them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), TYPE)
        response = connection.getresponse()
        said = response.read()
    if response.status not in OPENED:
        sys.exit(f"{path} answered {response.status}: {said[:200]!r}")
    cookies = [line.partition(";")[0] for line in response.headers.get_all("Set-Cookie", [])]
    return {"Cookie": "; ".join(cookies)} if cookies else {}


def prepared(port: int, auth: Limen | None) -> dict[str, Any]:
    """Sign somebody in by the routes themselves and return what the harness is told."""
    said: dict[str, Any] = {"sign_in": None, "versions": limen_versions()}
    if auth is None:
        return {"headers": {"Cookie": ANY_COOKIE}} | said
    remembered = {"method": "POST", "path": "/remember", "headers": TYPE, "body": "{}"}
    said["remember"] = remembered
    if not auth.settings.needs_store:
        return {"headers": send(port, "/remember", {})} | said
    send(port, "/api/auth/sign-up/email", {"name": "Alice"} | PERSON)
    path = "/api/auth/sign-in/email"
    body = json.dumps(PERSON)
    said["sign_in"] = {"method": "POST", "path": path, "headers": TYPE, "body": body}
    return {"headers": send(port, path, PERSON)} | said


async def serve(app: Any, auth: Limen | None, port: int) -> None:
    """Serve until a signal, and print one line when ready."""
    options: dict[str, Any] = {"log_level": "warning", "access_log": False, "ws": "none"}
    config = uvicorn.Config(
        app, "127.0.0.1", port, loop="uvloop", http="httptools", lifespan="on", **options
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    if server.started:
        said: Awaitable[dict[str, Any]] = asyncio.to_thread(prepared, port, auth)
        print(json.dumps(await said), flush=True)
    await serving


def main(apps: Mapping[str, Callable[[Limen | None], Any]] = APPS) -> None:
    """Read what the harness asks for and serve it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", required=True)
    parser.add_argument("--database")
    parser.add_argument("--redis")
    asked = parser.parse_args()
    framework, _, setting = asked.variant.partition("/")
    auth = None
    if setting != "bare":
        try:
            auth = limen_of(setting, Addresses("limen.db", asked.database, asked.redis))
        except (ConfigurationError, TypeError) as fault:
            sys.exit(str(fault))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(apps[framework](auth), auth, asked.port))


if __name__ == "__main__":
    main()

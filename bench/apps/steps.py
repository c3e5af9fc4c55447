"""Serves routes of which each does one step more than the one before; see `bench.anatomy`.

steps.py --port 8000 --variant starlette/hybrid-sqlite
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, FastAPI
from serve import AnyCookie, main, ok, remember
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from limen.web import fastapi as on_fastapi
from limen.web import starlette as on_starlette

if TYPE_CHECKING:
    from limen import Limen


async def read(request: Request) -> JSONResponse:
    """Take the credential out of the request."""
    request_auth = on_starlette.request_auth_of(request)
    for name, value in request_auth.headers:
        if name == b"cookie":
            request_auth.cookies.glance(value)
    return JSONResponse({"ok": True})


async def recognise(request: Request) -> JSONResponse:
    """Ask who it stands for as well."""
    request_auth = on_starlette.request_auth_of(request)
    for name, value in request_auth.headers:
        if name == b"cookie":
            credential = request_auth.cookies.glance(value)
            assert credential is not None
            assert request_auth.auth.recognise(credential) is not None
    return JSONResponse({"ok": True})


async def verdict(request: Request) -> JSONResponse:
    """Judge the request; its response then says `Cache-Control: no-store`."""
    await on_starlette.request_auth_of(request).verdict()
    return JSONResponse({"ok": True})


class Apart:
    """An application for each route, so that none is looked for longer than another."""

    def __init__(self, apps: dict[str, Any]) -> None:
        """Make it of applications by their paths; the first one is opened and closed."""
        self._apps = apps
        self._first = next(iter(apps.values()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        app = self._apps.get(scope["path"], self._first) if "path" in scope else self._first
        await app(scope, receive, send)


def starlette_app(auth: Limen | None) -> Apart:
    """Return the steps on Starlette."""
    assert auth is not None
    steps: dict[str, Any] = {
        "/open": ok,
        "/second": ok,
        "/read": read,
        "/recognise": recognise,
        "/verdict": verdict,
        "/protected": on_starlette.requires()(ok),
    }
    apps = {}
    for path, step in steps.items():
        routes = [Route(path, step), Route("/remember", remember, methods=["POST"])]
        if path == "/second":  # where the protected route of `serve` stands
            routes.insert(0, Route("/first", ok))
        apps[path] = Starlette(routes=routes)
        on_starlette.install(apps[path], auth)
    return Apart(apps)


def fastapi_app(auth: Limen | None) -> Apart:
    """Return the steps on FastAPI."""
    assert auth is not None

    async def protected(principal: on_fastapi.CurrentPrincipal) -> dict[str, bool]:
        del principal
        return {"ok": True}

    async def asking(request: Request) -> dict[str, bool]:
        await on_starlette.principal_of(request)
        return {"ok": True}

    async def empty(passing: Annotated[bool, Depends(AnyCookie())]) -> dict[str, bool]:
        return {"ok": passing}

    async def open_route() -> dict[str, bool]:
        return {"ok": True}

    apps = {}
    for step in (open_route, empty, asking, protected):
        path = "/" + step.__name__.removesuffix("_route")
        app = apps[path] = FastAPI()
        app.get(path)(step)
        app.add_route("/remember", remember, methods=["POST"])
        on_fastapi.install(app, auth)
    return Apart(apps)


APPS: Final[dict[str, Any]] = {"fastapi": fastapi_app, "starlette": starlette_app}

if __name__ == "__main__":
    sys.exit(main(APPS))

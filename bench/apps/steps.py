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

from limen.transports import Presented
from limen.web import fastapi as on_fastapi
from limen.web import starlette as on_starlette

if TYPE_CHECKING:
    from limen import Limen


async def read(request: Request) -> JSONResponse:
    """Take the credential out of the request."""
    on_starlette.request_auth_of(request).presented()
    return JSONResponse({"ok": True})


async def recognise(request: Request) -> JSONResponse:
    """Ask who it stands for as well."""
    request_auth = on_starlette.request_auth_of(request)
    carried = request_auth.presented()
    assert isinstance(carried, Presented)
    assert carried.access is not None
    await request_auth.auth.authenticate(carried.access.reveal())
    return JSONResponse({"ok": True})


async def verdict(request: Request) -> JSONResponse:
    """Judge the request; its response then says `Cache-Control: no-store`."""
    await on_starlette.request_auth_of(request).verdict()
    return JSONResponse({"ok": True})


def starlette_app(auth: Limen | None) -> Starlette:
    """Return the steps on Starlette."""
    assert auth is not None
    # The last is the first that Starlette tries, so that finding a route costs all the same.
    steps = [on_starlette.requires()(ok), verdict, recognise, read, ok]
    names = ["/protected", "/verdict", "/recognise", "/read", "/open"]
    routes = [Route(name, step) for name, step in zip(names, steps, strict=True)]
    app = Starlette(routes=[*routes, Route("/remember", remember, methods=["POST"])])
    on_starlette.install(app, auth)
    return app


def fastapi_app(auth: Limen | None) -> FastAPI:
    """Return the steps on FastAPI."""
    assert auth is not None
    app = FastAPI()

    @app.get("/protected")
    async def protected(principal: on_fastapi.CurrentPrincipal) -> dict[str, bool]:
        del principal
        return {"ok": True}

    @app.get("/asking")
    async def asking(request: Request) -> dict[str, bool]:
        await on_starlette.principal_of(request)
        return {"ok": True}

    @app.get("/empty")
    async def empty(passing: Annotated[bool, Depends(AnyCookie())]) -> dict[str, bool]:
        return {"ok": passing}

    @app.get("/open")
    async def open_route() -> dict[str, bool]:
        return {"ok": True}

    app.add_route("/remember", remember, methods=["POST"])
    on_fastapi.install(app, auth)
    return app


APPS: Final[dict[str, Any]] = {"fastapi": fastapi_app, "starlette": starlette_app}

if __name__ == "__main__":
    sys.exit(main(APPS))

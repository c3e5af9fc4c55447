"""One account, three ways to stay signed in: `session`, `hybrid` and `jwt` side by side.

Run it with `make run`, or with LIMEN_SECRET and LIMEN_DATABASE in the environment and
`uvicorn --app-dir examples/fastapi_app main:app`. An application of your own needs one
strategy: `Limen(...)`, `install` and the routes below.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from limen import Limen
from limen.settings import StrategyName
from limen.throttle import Budget
from limen.transports import CookieSettings
from limen.web.fastapi import CurrentPrincipal, install, requires

HERE = Path(__file__).parent
STRATEGIES: tuple[StrategyName, ...] = ("session", "hybrid", "jwt")
# So short that a visitor can watch a token run out. The default is 300 s.
ACCESS_LIFETIME_S = 15
# Visitors of a demo sign in again and again. The default is 3 times in 10 s.
DEMO_BUDGET = Budget("sign-in:address", limit=30, window=10_000)
# The page loads nothing but its own two files, and no other site may frame it.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def limen(strategy: StrategyName) -> Limen:
    """Describe how people stay signed in. All three keep their accounts in one database."""
    return Limen(
        strategy,
        secret=os.environ.get("LIMEN_SECRET"),
        database=os.environ.get("LIMEN_DATABASE"),
        cookies=CookieSettings(prefix=f"demo-{strategy}"),
        access_lifetime=ACCESS_LIFETIME_S,
        address_budget=DEMO_BUDGET,
    )


def application(auth: Limen) -> FastAPI:
    """Return an API: sign-up, sign-in and the rest under /api/auth, and three routes."""
    app = FastAPI(title=f"Limen demo: {auth.settings.strategy}")
    install(app, auth)

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> dict[str, object]:
        return {"subject": principal.subject, "session": principal.session_id}

    @app.get("/devices")
    async def devices(principal: CurrentPrincipal) -> list[dict[str, object]]:
        return [
            {
                "id": session.id,
                "strategy": session.strategy,
                "userAgent": session.client.user_agent,
                "since": session.created_at,
            }
            for session in await auth.sessions(principal.subject)
        ]

    @app.get("/admin", dependencies=[requires("admin")])
    async def admin() -> dict[str, str]:
        return {"message": "You hold the role admin."}

    return app


auths = {strategy: limen(strategy) for strategy in STRATEGIES}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open every Limen at start: a mounted application is not told when the server starts."""
    del app
    async with AsyncExitStack() as stack:
        for auth in auths.values():
            await stack.enter_async_context(auth)
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)  # each mounted API has its own /docs
for name, one in auths.items():
    app.mount(f"/{name}", application(one))
app.mount("/static", StaticFiles(directory=HERE / "static"))


@app.get("/")
async def page() -> FileResponse:
    """Serve the page."""
    return FileResponse(HERE / "page.html", headers=PAGE_HEADERS)


@app.get("/strategies")
async def strategies() -> dict[str, dict[str, object]]:
    """Say what each strategy promises; the page shows these numbers and no others."""
    return {name: asdict(auth.assembly.parts.primary.guarantees) for name, auth in auths.items()}

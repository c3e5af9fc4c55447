"""better-auth-server, the Python port of better-auth, on FastAPI."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from better_auth import BetterAuth, EmailAndPassword, RateLimit, SessionOptions
from better_auth.adapters.sqlalchemy import SQLAlchemyAdapter
from better_auth.config import CookieCache
from better_auth.integrations.fastapi import BetterAuthFastAPI
from fastapi import Depends, FastAPI

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serving import PASSWORD, Answer, Call, Peer, arguments, serve
from sqlite import new_engine

asked = arguments()
engine = new_engine()
adapter = SQLAlchemyAdapter(engine)
cached = {"session": False, "session-cookie-cache": True}[asked.variant]
auth = BetterAuth(
    secret=secrets.token_urlsafe(32),
    base_url=f"http://127.0.0.1:{asked.port}",
    adapter=adapter,
    email_and_password=EmailAndPassword(enabled=True),
    session=SessionOptions(cookie_cache=CookieCache(enabled=cached)),
    # Its limiter is on as in production, but not where the sign-in row needs to pass.
    rate_limit=RateLimit(enabled=True, custom_rules={"/sign-in/email": False}),
)
library = BetterAuthFastAPI(auth)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Create the tables."""
    await adapter.create_tables()
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(library.router)


@app.get("/open")
async def open_route() -> dict[str, bool]:
    """Answer anybody."""
    return {"ok": True}


@app.get("/protected")
async def protected_route(
    _found: Annotated[dict[str, Any], Depends(library.require_session)],
) -> dict[str, bool]:
    """Answer whoever has a session."""
    return {"ok": True}


def sign_up(account: str) -> Call:
    """Return the library's own registration."""
    fields = {"name": account, "email": f"{account}@example.com", "password": PASSWORD}
    return Call.of_json("/api/auth/sign-up/email", fields)


def sign_in(account: str) -> Call:
    """Return the library's own sign-in."""
    fields = {"email": f"{account}@example.com", "password": PASSWORD}
    return Call.of_json("/api/auth/sign-in/email", fields)


if __name__ == "__main__":
    serve(
        Peer(
            app,
            sign_up,
            sign_in,
            Answer.cookie_header,
            ("better-auth-server", "fastapi", "sqlalchemy"),
        ),
        asked.port,
    )

"""crudauth on FastAPI: cookie sessions in SQLite or Redis, and bearer tokens."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from crudauth import (
    BearerTransport,
    CRUDAuth,
    DatabaseStore,
    Principal,
    SessionTransport,
)
from crudauth.models import AuthUserMixin
from crudauth.ratelimit import LockoutConfig
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serving import PASSWORD, Answer, Call, Peer, arguments, serve
from sqlite import new_engine

asked = arguments()
engine = new_engine()
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables of this application."""


class User(Base, AuthUserMixin):
    """The library's own columns."""

    __tablename__ = "users"


async def database() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with new_session() as session:
        yield session


# The library keeps state in one place: its own tables, or Redis.
tables = None if asked.variant == "session-redis" else DatabaseStore(new_session)
transport: Any = {
    "session-sqlite": SessionTransport,
    "session-redis": SessionTransport,
    "bearer": BearerTransport,
}[asked.variant]()
auth = CRUDAuth(
    session=database,
    user_model=User,
    SECRET_KEY=secrets.token_urlsafe(32),
    transports=[transport],
    database_store=tables,
    redis_url=asked.redis if tables is None else None,
    # The sixth attempt at once from one address locks it out, and the measurement has one.
    lockout=LockoutConfig(max_attempts=1 << 30),
)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Create the tables, open the stores and close them."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    if tables is not None:
        await tables.create_tables()
    await auth.initialize()
    yield
    await auth.shutdown()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(auth.router)


@app.get("/open")
async def open_route() -> dict[str, bool]:
    """Answer anybody."""
    return {"ok": True}


@app.get("/protected")
async def protected_route(
    _me: Annotated[Principal, Depends(auth.current_user())],
) -> dict[str, bool]:
    """Answer a signed-in user."""
    return {"ok": True}


def sign_up(account: str) -> Call:
    """Return the library's own registration."""
    fields = {"email": f"{account}@example.com", "username": account, "password": PASSWORD}
    return Call.of_json("/register", fields)


def sign_in(account: str) -> Call:
    """Return the library's own sign-in."""
    path = "/token" if asked.variant == "bearer" else "/login"
    return Call.of_form(path, {"username": account, "password": PASSWORD})


if __name__ == "__main__":
    serve(
        Peer(
            app,
            sign_up,
            sign_in,
            Answer.bearer_header if asked.variant == "bearer" else Answer.cookie_header,
            ("crudauth", "fastapi", "sqlalchemy", "redis"),
        ),
        asked.port,
    )

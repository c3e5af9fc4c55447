"""fastapi-users on FastAPI: JWT, database and Redis strategies over one user table."""

from __future__ import annotations

import secrets
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import redis.asyncio
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
    RedisStrategy,
    Strategy,
)
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serving import PASSWORD, Answer, Call, Peer, arguments, serve
from sqlite import new_engine

SECRET = secrets.token_urlsafe(32)
LIFETIME_S = 3600

asked = arguments()
engine = new_engine()
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables of this application."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """The library's own columns."""


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    """Where the database strategy keeps its tokens."""


class Accounts(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """The library's account logic, with its default password hashing."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def database() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with new_session() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def users(session: Database) -> AsyncIterator[Any]:
    """Yield the user table."""
    yield SQLAlchemyUserDatabase(session, User)


async def tokens(session: Database) -> AsyncIterator[Any]:
    """Yield the token table."""
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


async def accounts(table: Annotated[Any, Depends(users)]) -> AsyncIterator[Accounts]:
    """Yield the account logic."""
    yield Accounts(table)


def by_jwt() -> Strategy[User, uuid.UUID]:
    """Return the strategy that signs a token."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=LIFETIME_S)


def by_database(
    table: Annotated[AccessTokenDatabase[Any], Depends(tokens)],
) -> Strategy[User, uuid.UUID]:
    """Return the strategy that looks a token up in a table."""
    return DatabaseStrategy(table, lifetime_seconds=LIFETIME_S)


connections = redis.asyncio.from_url(asked.redis, decode_responses=True) if asked.redis else None


def by_redis() -> Strategy[User, uuid.UUID]:
    """Return the strategy that looks a token up in Redis."""
    assert connections is not None, "this variant needs --redis"
    return RedisStrategy(connections, lifetime_seconds=LIFETIME_S)


bearer = BearerTransport(tokenUrl="auth/login")
cookie = CookieTransport(cookie_max_age=LIFETIME_S)
backend = {
    "jwt": AuthenticationBackend(name="jwt", transport=bearer, get_strategy=by_jwt),
    "database": AuthenticationBackend(name="db", transport=cookie, get_strategy=by_database),
    "redis": AuthenticationBackend(name="redis", transport=cookie, get_strategy=by_redis),
}[asked.variant]
library = FastAPIUsers[User, uuid.UUID](accounts, [backend])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Create the tables and close what was opened."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()
    if connections is not None:
        await connections.aclose()


app = FastAPI(lifespan=lifespan)
app.include_router(library.get_auth_router(backend), prefix="/auth")
app.include_router(
    library.get_register_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserCreate),
    prefix="/auth",
)


@app.get("/open")
async def open_route() -> dict[str, bool]:
    """Answer anybody."""
    return {"ok": True}


@app.get("/protected")
async def protected_route(
    _user: Annotated[User, Depends(library.current_user(active=True))],
) -> dict[str, bool]:
    """Answer an active user."""
    return {"ok": True}


def sign_up(account: str) -> Call:
    """Return the library's own registration."""
    fields = {"email": f"{account}@example.com", "password": PASSWORD}
    return Call.of_json("/auth/register", fields)


def sign_in(account: str) -> Call:
    """Return the library's own sign-in."""
    fields = {"username": f"{account}@example.com", "password": PASSWORD}
    return Call.of_form("/auth/login", fields)


if __name__ == "__main__":
    serve(
        Peer(
            app,
            sign_up,
            sign_in,
            Answer.bearer_header if asked.variant == "jwt" else Answer.cookie_header,
            ("fastapi-users", "fastapi-users-db-sqlalchemy", "fastapi", "sqlalchemy", "redis"),
        ),
        asked.port,
    )

"""Litestar's own security: JWTAuth and SessionAuth over three session back ends.

Litestar ships no accounts and no password hashing: both are the application's. Users are
a dictionary in memory, as in its documentation; the sign-in routes below hash with
argon2-cffi's defaults, off the loop, and are not measured.
"""

from __future__ import annotations

import secrets
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from litestar import Litestar, Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.security.jwt import JWTAuth, Token
from litestar.security.session_auth import SessionAuth
from litestar.stores.memory import MemoryStore
from litestar.stores.redis import RedisStore

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from serving import PASSWORD, Answer, Call, Peer, arguments, serve

asked = arguments()
OUTSIDE = ["^/open$", "^/register$", "^/login$", "^/schema"]


@dataclass
class User:
    """An account of the application."""

    id: str
    name: str
    password_hash: str


@dataclass
class Credentials:
    """What a sign-up and a sign-in send."""

    name: str
    password: str


hasher = PasswordHasher()
by_id: dict[str, User] = {}
by_name: dict[str, User] = {}


async def user_of_token(token: Token, _connection: ASGIConnection[Any, Any, Any, Any]) -> Any:
    """Return the user that a token names."""
    return by_id.get(token.sub)


async def user_of_session(
    session: dict[str, Any], _connection: ASGIConnection[Any, Any, Any, Any]
) -> Any:
    """Return the user that a session names."""
    return by_id.get(session.get("user_id", ""))


def checked(data: Credentials) -> User:
    """Return the account of the right password; NotAuthorizedException for any other."""
    user = by_name.get(data.name)
    try:
        if user is not None and hasher.verify(user.password_hash, data.password):
            return user
    except VerifyMismatchError:
        pass
    raise NotAuthorizedException


@post("/register", sync_to_thread=True)
def register(data: Credentials) -> dict[str, str]:
    """Create an account."""
    user = User(uuid.uuid4().hex, data.name, hasher.hash(data.password))
    by_id[user.id] = by_name[user.name] = user
    return {"id": user.id}


@post("/login", sync_to_thread=True)
def sign_in_for_token(data: Credentials) -> Response[dict[str, str]]:
    """Answer with a token."""
    token = jwt_auth.create_token(identifier=checked(data).id)
    return Response({"access_token": token, "token_type": "bearer"})


@post("/login", sync_to_thread=True)
def sign_in_for_session(data: Credentials, request: Request[Any, Any, Any]) -> dict[str, bool]:
    """Answer with a session cookie."""
    request.set_session({"user_id": checked(data).id})
    return {"ok": True}


@get("/open")
async def open_route() -> dict[str, bool]:
    """Answer anybody."""
    return {"ok": True}


@get("/protected")
async def protected_route() -> dict[str, bool]:
    """Answer whoever the authentication of the application lets through."""
    return {"ok": True}


jwt_auth = JWTAuth[User](
    retrieve_user_handler=user_of_token,
    token_secret=secrets.token_urlsafe(32),
    exclude=OUTSIDE,
)


def session_auth() -> SessionAuth[User, Any]:
    """Return the session authentication of this variant."""
    # Without it the session would be loaded and stored on the open route too.
    elsewhere = ["^/open$"]
    config = (
        CookieBackendConfig(secret=secrets.token_bytes(32), exclude=elsewhere)
        if asked.variant == "session-cookie"
        else ServerSideSessionConfig(exclude=elsewhere)
    )
    return SessionAuth[User, Any](
        retrieve_user_handler=user_of_session,
        session_backend_config=config,
        exclude=OUTSIDE,
    )


def application() -> Litestar:
    """Return the application of this variant."""
    routes: list[Any] = [open_route, protected_route, register]
    if asked.variant == "jwt":
        return Litestar([*routes, sign_in_for_token], on_app_init=[jwt_auth.on_app_init])
    stores: dict[str, Any] = {}
    if asked.variant == "session-redis":
        assert asked.redis, "this variant needs --redis"
        stores["sessions"] = RedisStore.with_client(url=asked.redis)
    elif asked.variant == "session-memory":
        stores["sessions"] = MemoryStore()
    else:
        assert asked.variant == "session-cookie", "no such variant"
    on_init = [session_auth().on_app_init]
    return Litestar([*routes, sign_in_for_session], on_app_init=on_init, stores=stores)


def sign_up(account: str) -> Call:
    """Return this application's registration."""
    return Call.of_json("/register", {"name": account, "password": PASSWORD})


def sign_in(account: str) -> Call:
    """Return this application's sign-in."""
    return Call.of_json("/login", {"name": account, "password": PASSWORD})


if __name__ == "__main__":
    serve(
        Peer(
            application(),
            sign_up,
            sign_in,
            Answer.bearer_header if asked.variant == "jwt" else Answer.cookie_header,
            ("litestar", "pyjwt", "redis"),
            has_sign_in=False,
        ),
        asked.port,
    )

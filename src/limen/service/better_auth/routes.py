"""The table of endpoints: what is served, what it takes and what it may answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.account import MAX_NAME
from limen.service.better_auth import (
    accounts,
    changes,
    device_sessions,
    letters,
    new_password,
    public,
    reauthentication,
    schemas,
    sessions,
    usernames,
)
from limen.service.better_auth.bodies import Body, Field
from limen.service.better_auth.endpoint import CARRIERS, PROOF_HEADER, Endpoint
from limen.service.better_auth.routes_social import social_endpoints
from limen.service.better_auth.wire import SESSION_NOT_FRESH, UNAUTHORIZED

if TYPE_CHECKING:
    from limen.authority import Limen

MAX_IMAGE = 8_192  # characters of a picture's address
_IMAGE = Field("image", most=MAX_IMAGE)
_REMEMBER = Field("rememberMe", "boolean")
_CALLBACK = Field("callbackURL")
_NAMES = (Field("username"), Field("displayUsername"))

SIGN_UP: Final = Body(
    (
        Field("name", required=True, most=MAX_NAME),
        Field("email", "email", required=True),
        Field("password", required=True, least=1),
        _IMAGE,
        _CALLBACK,
        _REMEMBER,
        *_NAMES,
    ),
    forms=True,
)
SIGN_IN: Final = Body(
    (Field("email", required=True), Field("password", required=True), _CALLBACK, _REMEMBER),
    forms=True,
)
SIGN_OUT: Final = Body(
    (
        Field("callbackURL"),
        Field("disableRedirect", "boolean"),
        Field("state"),
        Field("refreshToken"),
    ),
    required=False,
)
REVOKE_SESSION: Final = Body((Field("token", required=True),))
CHANGE_PASSWORD: Final = Body(
    (
        Field("newPassword", required=True),
        Field("currentPassword", required=True),
        Field("revokeOtherSessions", "boolean"),
    )
)
UPDATE_USER: Final = Body(
    (Field("name", most=MAX_NAME), Field("image", nullable=True, most=MAX_IMAGE), *_NAMES)
)
REFRESH: Final = Body((Field("refreshToken"),), required=False)

ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/sign-up/email",
        accounts.sign_up,
        "Open an account with a password and sign in",
        schemas.SIGNED_UP,
        body=SIGN_UP,
        problems=accounts.SIGN_UP_PROBLEMS,
        limited=True,
        opens=True,
        headers=CARRIERS,
    ),
    Endpoint(
        "POST",
        "/sign-in/email",
        accounts.sign_in,
        "Sign in with e-mail and password",
        schemas.SIGNED_IN,
        body=SIGN_IN,
        problems=accounts.SIGN_IN_PROBLEMS,
        limited=True,
        opens=True,
        headers=CARRIERS,
    ),
    Endpoint(
        "POST",
        "/sign-out",
        sessions.sign_out,
        "End this session",
        schemas.SUCCESS,
        body=SIGN_OUT,
        needs_store=False,
        repeatable=True,
        headers=(PROOF_HEADER,),
    ),
    Endpoint(
        "GET",
        "/get-session",
        sessions.get_session,
        "Say who is signed in",
        schemas.SESSION_AND_USER,
        needs_store=False,
    ),
    Endpoint(
        "POST",
        "/get-session",
        sessions.get_session,
        "Say who is signed in, and renew the cookies where that is due",
        schemas.SESSION_AND_USER,
        needs_store=False,
    ),
    Endpoint(
        "POST",
        "/refresh",
        sessions.refresh,
        "Trade a refresh token, or slide a session",
        schemas.REFRESHED,
        body=REFRESH,
        problems=(UNAUTHORIZED,),
        headers=(PROOF_HEADER,),
        costs=True,
    ),
    Endpoint(
        "GET",
        "/list-sessions",
        sessions.list_sessions,
        "List the sessions of this account",
        schemas.SESSIONS,
        session=True,
    ),
    Endpoint(
        "POST",
        "/revoke-session",
        sessions.revoke_session,
        "End one session by its handle",
        schemas.STATUS,
        body=REVOKE_SESSION,
        problems=(SESSION_NOT_FRESH,),
        session=True,
        costs=True,
    ),
    Endpoint(
        "POST",
        "/revoke-sessions",
        sessions.revoke_sessions,
        "End every session of this account",
        schemas.STATUS,
        problems=(SESSION_NOT_FRESH,),
        session=True,
        costs=True,
    ),
    Endpoint(
        "POST",
        "/revoke-other-sessions",
        sessions.revoke_other_sessions,
        "End every session of this account but this one",
        schemas.STATUS,
        problems=(SESSION_NOT_FRESH,),
        session=True,
        costs=True,
    ),
    Endpoint(
        "POST",
        "/change-password",
        accounts.change_password,
        "Replace the password",
        schemas.PASSWORD_CHANGED,
        body=CHANGE_PASSWORD,
        problems=accounts.CHANGE_PROBLEMS,
        session=True,
        limited=True,
        headers=CARRIERS,
    ),
    Endpoint(
        "POST",
        "/update-user",
        accounts.update_user,
        "Change the name or the picture",
        schemas.STATUS,
        body=UPDATE_USER,
        problems=accounts.UPDATE_PROBLEMS,
        session=True,
        costs=True,
    ),
    Endpoint(
        "GET",
        "/token",
        public.token,
        "Return a short signed token for other services",
        schemas.TOKEN,
        session=True,
        needs_store=False,
        costs=True,
    ),
    Endpoint(
        "GET", "/jwks", public.jwks, "Return the public keys", schemas.KEY_SET, needs_store=False
    ),
    Endpoint("GET", "/ok", public.ok, "Say that the service is up", schemas.OK, needs_store=False),
    Endpoint(
        "GET",
        "/error",
        public.error,
        "Show an error code to a person",
        schemas.PAGE,
        needs_store=False,
        media_type="text/html",
        query=("error",),
    ),
    *letters.ENDPOINTS,
    *new_password.ENDPOINTS,
    *changes.ENDPOINTS,
    *reauthentication.ENDPOINTS,
)


def endpoints_of(auth: Limen) -> tuple[Endpoint, ...]:
    """Return the endpoints that this configuration has: without a store there are fewer."""
    keeps = auth.assembly.parts.keeps
    settings = auth.settings
    table: tuple[Endpoint, ...] = (*ENDPOINTS, *social_endpoints(auth))
    if settings.better_auth.multi_session:
        table = (*table, *device_sessions.ENDPOINTS)
    if settings.usernames.enabled:
        table = (*table, *usernames.ENDPOINTS)
    if settings.dpop == "off":
        table = tuple(_without_proof(one) for one in table)
    return tuple(one for one in table if keeps or not one.needs_store)


def _without_proof(one: Endpoint) -> Endpoint:
    return replace(one, headers=tuple(name for name in one.headers if name != PROOF_HEADER))

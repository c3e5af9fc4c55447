"""Limen in a FastAPI application: `install`, `CurrentPrincipal`, `requires`, `requires_fresh`.

auth = Limen("hybrid", database="sqlite+aiosqlite:///app.db", secret=...)
app = FastAPI()
install(app, auth)

@app.get("/me")
async def me(principal: CurrentPrincipal): ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, HTTPException
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from limen.freshness import STEP_UP, Freshness
from limen.principal import Principal
from limen.transports.cookie import documented_name
from limen.web import starlette

if TYPE_CHECKING:
    from fastapi import FastAPI

    from limen.authority import Limen

BEARER_SCHEME = "LimenBearer"
COOKIE_SCHEME = "LimenCookie"


def install(app: FastAPI, auth: Limen) -> None:
    """Add Limen to an application: routes, middleware and the OpenAPI security schemes."""
    starlette.install(app, auth)
    cookie = documented_name(auth.settings.cookies, auth.settings.base_url)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = _with_cookie_scheme(generate(), cookie)
        for route in app.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                _say_what_is_asked(document, route, auth.settings.fresh)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


class _PrincipalOf(SecurityBase):
    """A dependency that FastAPI lists as a security scheme and that depends on nothing.

    A class because FastAPI documents only objects of this kind, and because a dependency
    without sub-dependencies costs one call.
    """

    def __init__(self, roles: tuple[str, ...] = ()) -> None:
        self.roles = roles
        self.model = HTTPBearer(description="An access token, or a session id.")
        self.scheme_name = BEARER_SCHEME

    async def __call__(self, connection: HTTPConnection) -> Principal:
        if not self.roles:
            return await starlette.principal_of(connection)
        verdict = await starlette.request_auth_of(connection).verdict()
        return await starlette.allowed(connection, verdict, self.roles)


class _FreshPrincipalOf(_PrincipalOf):
    """The same for somebody whose sign-in is enough for a sensitive action."""

    def __init__(self, wanted: Freshness, roles: tuple[str, ...]) -> None:
        super().__init__(roles)
        self.wanted = wanted

    async def __call__(self, connection: HTTPConnection) -> Principal:
        judged = await starlette.fresh(connection, self.wanted, self.roles)
        if isinstance(judged, Principal):
            return judged
        if connection.scope["type"] == "websocket":
            raise starlette.refused(connection, judged)
        raise HTTPException(judged.status, judged.body, headers=dict(judged.headers))


async def _principal_or_none(connection: HTTPConnection) -> Principal | None:
    return await starlette.principal_or_none(connection)


def requires(*roles: str) -> Any:
    """Depend on somebody who is signed in and holds every one of these roles.

    `dependencies=[requires("admin")]`, or `principal: Annotated[Principal, requires("admin")]`.
    """
    return Depends(_PrincipalOf(roles))


def requires_fresh(
    max_age: float | None = None,
    *,
    acr: str | None = None,
    methods: Iterable[str] = (),
    roles: Iterable[str] = (),
) -> Any:
    """Depend on somebody who proved who they are a moment ago, and strongly enough.

    `principal: Annotated[Principal, requires_fresh(300, acr="aal2")]`; the parameters and the
    answer to others are those of `limen.web.starlette.requires_fresh`.
    """
    return Depends(_FreshPrincipalOf(Freshness(max_age, acr, methods), tuple(roles)))


CurrentPrincipal = Annotated[Principal, Depends(_PrincipalOf())]
OptionalPrincipal = Annotated[Principal | None, Depends(_principal_or_none)]


def _with_cookie_scheme(document: dict[str, Any], cookie: str) -> dict[str, Any]:
    """Say that wherever a bearer credential is taken, the cookie is taken too."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    if BEARER_SCHEME not in schemes or COOKIE_SCHEME in schemes:
        return document
    schemes[COOKIE_SCHEME] = {"type": "apiKey", "in": "cookie", "name": cookie}
    for operations in document["paths"].values():
        for operation in operations.values():
            security = operation.get("security") if isinstance(operation, dict) else None
            if security and {BEARER_SCHEME: []} in security:
                security.append({COOKIE_SCHEME: []})
    return document


def _say_what_is_asked(document: dict[str, Any], route: APIRoute, fresh: float) -> None:
    """Describe the 401 of a route that asks for a new sign-in, with its challenge."""
    asked = [one.wanted for one in _calls_of(route.dependant, _FreshPrincipalOf)]
    for method in (route.methods or ()) if asked else ():
        operation = document["paths"][route.path_format][method.lower()]
        wanted = asked[0]
        if wanted.max_age is None:
            wanted = replace(wanted, max_age=fresh)
        operation["responses"]["401"] = {
            "description": f"Not signed in, or `{STEP_UP}`: sign in again and try once more",
            "headers": {
                "WWW-Authenticate": {"schema": {"type": "string"}, "example": wanted.challenge()}
            },
        }


def _calls_of(dependant: Dependant, kind: type[SecurityBase]) -> list[Any]:
    own: list[Any] = [dependant.call] if isinstance(dependant.call, kind) else []
    return own + [found for one in dependant.dependencies for found in _calls_of(one, kind)]

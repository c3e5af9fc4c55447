"""Limen in a FastAPI application: `install`, `CurrentPrincipal`, `requires`.

auth = Limen("hybrid", database="sqlite+aiosqlite:///app.db", secret=...)
app = FastAPI()
install(app, auth)

@app.get("/me")
async def me(principal: CurrentPrincipal): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

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
        return _with_cookie_scheme(generate(), cookie)

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
        return starlette.allowed(connection, verdict, self.roles)


async def _principal_or_none(connection: HTTPConnection) -> Principal | None:
    return await starlette.principal_or_none(connection)


def requires(*roles: str) -> Any:
    """Depend on somebody who is signed in and holds every one of these roles.

    `dependencies=[requires("admin")]`, or `principal: Annotated[Principal, requires("admin")]`.
    """
    return Depends(_PrincipalOf(roles))


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

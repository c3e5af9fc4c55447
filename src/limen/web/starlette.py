"""Limen in a Starlette application: `install`, `principal_of`, `requires`."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.status import WS_1008_POLICY_VIOLATION

from limen.audit import AuditKind
from limen.effects import record
from limen.errors import ConfigurationError
from limen.evidence import Check
from limen.freshness import Freshness
from limen.phase import Phase
from limen.verdict import Absent, Authenticated
from limen.web.asgi import SCOPE_KEY, AuthMiddleware
from limen.web.refusal import Refusal, forbidden, refusal_of, taken_from
from limen.web.request import RequestAuth

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from limen.authority import Limen
    from limen.principal import Principal
    from limen.settings import DpopMode
    from limen.verdict import Verdict

P = ParamSpec("P")
R = TypeVar("R")


def install(app: Starlette, auth: Limen) -> None:
    """Add Limen to an application: its routes, such as those under `base_path`, and middleware.

    The middleware opens the store when the application starts and closes it at the end.
    """
    from limen.service.app import mounts  # noqa: PLC0415 - the wire is loaded when it is served

    for path, wire in mounts(auth):
        app.mount(path, wire, name="limen" if path == auth.settings.base_path else f"limen{path}")
    app.add_middleware(AuthMiddleware, auth=auth)


def request_auth_of(connection: HTTPConnection) -> RequestAuth:
    """Return the authentication of this request; raises `ConfigurationError` without Limen."""
    found = connection.scope.get(SCOPE_KEY)
    if found is None:
        raise ConfigurationError(
            "middleware",
            "this application has no AuthMiddleware.",
            "Call install(app, auth) before it serves requests.",
        )
    return cast("RequestAuth", found)


async def principal_of(connection: HTTPConnection) -> Principal:
    """Return who a request acts for, or answer it with 401.

    Works for WebSockets too, which are closed with 1008.
    """
    request_auth = request_auth_of(connection)
    return accepted(connection, await request_auth.verdict(), request_auth.auth.settings.dpop)


async def principal_or_none(connection: HTTPConnection) -> Principal | None:
    """Return who a request acts for, or `None` if it carries no credential at all.

    A credential that is not accepted is answered with 401: an attack or an expired session
    must not pass for a visitor.
    """
    request_auth = request_auth_of(connection)
    verdict = await request_auth.verdict()
    if isinstance(verdict, Absent):
        return None
    return accepted(connection, verdict, request_auth.auth.settings.dpop)


def requires(
    *roles: str,
) -> Callable[
    [Callable[Concatenate[Request, P], Awaitable[R]]],
    Callable[Concatenate[Request, P], Awaitable[R]],
]:
    """Let only somebody through who is signed in and holds every one of these roles."""

    def decorate(
        endpoint: Callable[Concatenate[Request, P], Awaitable[R]],
    ) -> Callable[Concatenate[Request, P], Awaitable[R]]:
        @functools.wraps(endpoint)
        async def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> R:
            await allowed(request, await request_auth_of(request).verdict(), roles)
            return await endpoint(request, *args, **kwargs)

        return guarded

    return decorate


def requires_fresh(
    max_age: float | None = None,
    *,
    acr: str | None = None,
    methods: Iterable[str] = (),
    roles: Iterable[str] = (),
) -> Callable[
    [Callable[Concatenate[Request, P], Awaitable[Response]]],
    Callable[Concatenate[Request, P], Awaitable[Response]],
]:
    """Let only somebody through who proved who they are a moment ago, and strongly enough.

    `max_age` is in seconds, by default that of the setting `fresh`; `acr` is a level such as
    `aal2` and `methods` are RFC 8176 names. Others are answered with 401 and the challenge of
    RFC 9470, in JSON with the code `insufficient_user_authentication`.
    """
    wanted, held = Freshness(max_age, acr, methods), tuple(roles)

    def decorate(
        endpoint: Callable[Concatenate[Request, P], Awaitable[Response]],
    ) -> Callable[Concatenate[Request, P], Awaitable[Response]]:
        @functools.wraps(endpoint)
        async def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
            judged = await fresh(request, wanted, held)
            if isinstance(judged, Refusal):
                headers = dict(judged.headers)
                return JSONResponse(judged.body, judged.status, headers=headers)
            return await endpoint(request, *args, **kwargs)

        return guarded

    return decorate


async def fresh(
    connection: HTTPConnection, wanted: Freshness, roles: tuple[str, ...] = ()
) -> Principal | Refusal:
    """Return who a connection acts for, or how to answer if their sign-in is not enough.

    Whoever is not signed in at all, or lacks a role, is answered by an exception as elsewhere.
    """
    request_auth = request_auth_of(connection)
    principal = await allowed(connection, await request_auth.verdict(), roles)
    auth = request_auth.auth
    if wanted.max_age is None:
        wanted = replace(wanted, max_age=auth.settings.fresh)
    refused = await auth.require_fresh(principal, wanted)
    if refused is None:
        return principal
    return refusal_of(refused, taken_from(principal, auth.settings.dpop), wanted)


def accepted(connection: HTTPConnection, verdict: Verdict, dpop: DpopMode = "off") -> Principal:
    """Return who a verdict accepts, or answer with 401, which names the schemes of `dpop`."""
    if isinstance(verdict, Authenticated):
        return verdict.principal
    raise refused(connection, refusal_of(verdict, dpop))


async def allowed(
    connection: HTTPConnection, verdict: Verdict, roles: tuple[str, ...]
) -> Principal:
    """Return who a verdict accepts if they hold every role; otherwise answer with 401 or 403."""
    auth = request_auth_of(connection).auth
    principal = accepted(connection, verdict, auth.settings.dpop)
    holds = principal.roles.issuperset(roles)
    assembly = auth.assembly
    if assembly.traced:
        check = Check("roles", holds)
        assembly.tracer.record(assembly.parts.primary.name, Phase.AUTHZ_DECIDE, checks=(check,))
    if not holds:
        await auth.run(
            record(
                AuditKind.ACCESS_DENIED,
                subject=principal.subject,
                session_id=principal.session_id,
                actor=principal.subject,
                roles=" ".join(sorted(roles)),
            )
        )
        raise refused(connection, forbidden())
    return principal


def refused(connection: HTTPConnection, refusal: Refusal) -> Exception:
    """Return the exception that answers a connection with a refusal."""
    if connection.scope["type"] == "websocket":
        return WebSocketException(WS_1008_POLICY_VIOLATION, refusal.detail)
    return HTTPException(refusal.status, refusal.detail, headers=dict(refusal.headers))

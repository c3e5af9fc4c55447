"""From one HTTP request to one answer: every rule in its order, then the handler.

The order is the protocol's: limit, route, body, origin, members, session. A body that does
not parse is told so before a missing session is.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from limen.errors import ConfigurationError, Overloaded, StoreUnavailable
from limen.service.better_auth import bodies, limits, openapi, origin
from limen.service.better_auth.bodies import Disconnected
from limen.service.better_auth.endpoint import Call, Endpoint
from limen.service.better_auth.routes import endpoints_of
from limen.service.better_auth.sessions import CHALLENGE
from limen.service.better_auth.wire import (
    INVALID_QUERY,
    NO_STORE,
    NOT_FOUND,
    UNAUTHORIZED,
    Answer,
    too_many_requests,
)
from limen.transports.origin import SAFE_METHODS
from limen.web.asgi import SCOPE_KEY
from limen.web.request import RequestAuth

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import Receive, Scope, Send

_log = logging.getLogger("limen.service")


class BetterAuthApp:
    """The endpoints as an ASGI application; `AuthMiddleware` must be around it."""

    def __init__(self, auth: Limen) -> None:
        self._auth = auth
        table = (*endpoints_of(auth), openapi.endpoint(auth))
        self._endpoints = {(one.method, one.path): one for one in table}
        self._limited = {one.path for one in table if one.limited}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            # 1003: this endpoint takes no messages (RFC 6455 section 7.4.1).
            await send({"type": "websocket.close", "code": 1003})
            return
        request_auth = scope.get(SCOPE_KEY)
        if request_auth is None:
            raise ConfigurationError(
                "middleware",
                "these endpoints are served without AuthMiddleware.",
                "Call install(app, auth), or serve limen.service.app.create_app(auth).",
            )
        try:
            answer = await self._answer(scope, receive, cast("RequestAuth", request_auth))
        except (StoreUnavailable, Overloaded):
            raise  # the middleware says 503
        except Disconnected:
            return
        except Exception as fault:  # noqa: BLE001 - whatever it is, the client learns nothing
            _report(scope, fault)
            answer = Answer(500)
        await _send(answer, send)

    async def _answer(self, scope: Scope, receive: Receive, request_auth: RequestAuth) -> Answer:
        path = path_within(scope)
        if path in self._limited:
            wait = await limits.spend(self._auth, scope, path)
            if wait is not None:
                return too_many_requests(wait)
        endpoint = self._endpoints.get((scope["method"], path))
        if endpoint is None:
            return NOT_FOUND
        call = Call(self._auth, request_auth)
        unsafe = endpoint.method not in SAFE_METHODS
        refusal = _take_query(call, scope)
        value: object = bodies.ABSENT
        if refusal is None and unsafe:
            octets = await bodies.read(receive, scope["headers"])
            if isinstance(octets, Answer):
                return octets
            value = bodies.parse(octets, scope["headers"], endpoint.body)
            if isinstance(value, Answer):
                return value
            refusal = origin.refusal_of_origin(call) or origin.refusal_of_target(call, value)
            if refusal is not None:
                call.record_foreign()
        return refusal or await self._judged(endpoint, call, value)

    async def _judged(self, endpoint: Endpoint, call: Call, value: object) -> Answer:
        if endpoint.body is not None:
            refusal = endpoint.body.judge(value)
            if refusal is not None:
                return refusal
            call.body = value if isinstance(value, dict) else {}
        if endpoint.opens:
            refusal = origin.refusal_of_form(call)
            if refusal is not None:
                call.record_foreign()
                return refusal
        if endpoint.session:
            call.principal = await call.signed_in()
            if call.principal is None:
                return UNAUTHORIZED.answer(CHALLENGE)
        return await endpoint.handler(call)


def path_within(scope: Scope) -> str:
    """Return the path below the mount, the empty text for a spelling that hides a path.

    A proxy may judge the octets and we the text; so a path of ours has one spelling only.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and not raw.endswith(path.encode("utf-8", "surrogatepass")):
        return ""
    return path


def _take_query(call: Call, scope: Scope) -> Answer | None:
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=bodies.MAX_FIELDS)
    except ValueError:
        return INVALID_QUERY.answer()
    query: dict[str, str | list[str]] = {}
    for name, value in pairs:
        held = query.get(name)
        if held is None:
            query[name] = value
        else:
            query[name] = [*held, value] if isinstance(held, list) else [held, value]
    call.query = query
    return None


def _report(scope: Scope, fault: Exception) -> None:
    """Log where a fault happened and its type. Its text may quote what a client sent."""
    frames = "".join(traceback.format_tb(fault.__traceback__))
    _log.error(
        "%s %s failed with %s\n%s", scope["method"], scope["path"], type(fault).__name__, frames
    )


async def _send(answer: Answer, send: Send) -> None:
    headers = list(answer.headers)
    if not any(name.lower() == "cache-control" for name, _ in headers):
        headers.append(NO_STORE)
    headers.append(("X-Content-Type-Options", "nosniff"))
    if answer.media_type is not None:
        headers.append(("Content-Type", answer.media_type))
    headers.append(("Content-Length", str(len(answer.body))))
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": answer.body})

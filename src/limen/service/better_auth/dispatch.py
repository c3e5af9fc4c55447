"""From one HTTP request to one answer: every rule in its order, then the handler.

The order is the protocol's: limit, route, body, origin, members, session. A body that does
not parse is told so before a missing session is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.service import limits
from limen.service.better_auth import bodies, openapi, origin, proving
from limen.service.better_auth.endpoint import Call, Endpoint
from limen.service.better_auth.finish import finish
from limen.service.better_auth.routes import endpoints_of
from limen.service.better_auth.why import why_of
from limen.service.better_auth.wire import (
    INVALID_QUERY,
    NOT_FOUND,
    UNAUTHORIZED,
    Answer,
    method_not_allowed,
    too_many_requests,
)
from limen.service.incoming import Unreadable, path_within, query_of
from limen.service.serving import Wire
from limen.transports.origin import SAFE_METHODS
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import Receive, Scope
    from limen.web.request import RequestAuth


class BetterAuthApp(Wire):
    """The endpoints that the better-auth clients ask."""

    def __init__(self, auth: Limen) -> None:
        super().__init__(auth)
        self._why = why_of(auth)
        extra = self._why.endpoints() if self._why is not None else ()
        table = (*endpoints_of(auth), openapi.endpoint(auth), *extra)
        self._endpoints = {(one.method, one.path): one for one in table if "{" not in one.path}
        self._open_ended = {
            (one.method, one.path.partition("{")[0]): one for one in table if "{" in one.path
        }
        self._limited = {one.path for one in table if one.limited}

    async def answer(self, scope: Scope, receive: Receive, request_auth: RequestAuth) -> Answer:
        """Answer one HTTP request."""
        path = path_within(scope)
        endpoint, segment = self._found(scope["method"], path)
        wait = await self._wait(scope, path, endpoint)
        if wait is not None:
            return too_many_requests(wait)
        if endpoint is None:
            return self._nothing_at(path)
        call = Call(self.auth, request_auth, segment=segment)
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
            if not endpoint.anywhere:
                refusal = origin.refusal_of_origin(call) or origin.refusal_of_target(call, value)
            if refusal is not None:
                await call.record_foreign()
        answer = refusal or await self._judged(endpoint, call, value)
        if self._why is not None:
            self._why.note(call)
        return answer

    async def _wait(self, scope: Scope, path: str, endpoint: Endpoint | None) -> int | None:
        """Draw on the budget of the client's address; return the seconds to wait, if any."""
        if path in self._limited:
            return await limits.spend(self.auth, scope, path)
        if endpoint is not None and endpoint.costs:
            return await limits.spend_on_work(self.auth, scope, endpoint.path)
        return None

    def _found(self, method: str, path: str) -> tuple[Endpoint | None, str]:
        """Return the endpoint of a path, and what stands in the open place of its own path."""
        exact = self._endpoints.get((method, path))
        if exact is not None:
            return exact, ""
        head, slash, segment = path.rpartition("/")
        return (self._open_ended.get((method, head + slash)) if segment else None), segment

    def _nothing_at(self, path: str) -> Answer:
        """Answer that a path has other methods (RFC 9110 section 15.5.6), or that it is none."""
        head, slash, segment = path.rpartition("/")
        methods = {method for method, known in self._endpoints if known == path}
        if not methods and segment:
            methods = {method for method, known in self._open_ended if known == head + slash}
        return method_not_allowed(methods) if methods else NOT_FOUND

    def loggable(self, path: str) -> str:
        """Return a path without what may be a token."""
        head, slash, _ = path.rpartition("/")
        known = any((head + slash).endswith(beginning) for _, beginning in self._open_ended)
        return f"{head}/…" if known else path

    async def _judged(self, endpoint: Endpoint, call: Call, value: object) -> Answer:
        if endpoint.body is not None:
            refusal = endpoint.body.judge(value)
            if refusal is not None:
                return refusal
            call.body = value if isinstance(value, dict) else {}
        if endpoint.opens:
            refusal = origin.refusal_of_form(call)
            if refusal is not None:
                await call.record_foreign()
                return refusal
        if endpoint.session:
            call.principal = await call.signed_in()
            if call.principal is None:
                return UNAUTHORIZED.answer(proving.challenge(call, await _why_nobody(call)))
        refusal = await proving.refusal_of_proof(call, endpoint)
        if refusal is not None:
            return refusal
        return await finish(call, await endpoint.handler(call))


async def _why_nobody(call: Call) -> Refused:
    """Return why nobody is signed in; a session may have ended that a token still names."""
    verdict = await call.request_auth.verdict()
    return verdict if isinstance(verdict, Refused) else Refused(Reason.UNKNOWN_SESSION)


def _take_query(call: Call, scope: Scope) -> Answer | None:
    try:
        call.query = query_of(scope)
    except Unreadable:
        return INVALID_QUERY.answer()
    return None

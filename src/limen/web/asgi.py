"""What every ASGI framework shares: a middleware, and the authentication of one request.

The middleware opens and closes Limen with the application, gives each request a
`RequestAuth` and adds its cookies to the response. It decides nothing: a route that asks
nobody pays nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from limen.entropy import random_text
from limen.errors import LimenError, Overloaded, StoreUnavailable
from limen.evidence import Check, Public
from limen.phase import Phase
from limen.trace.recorder import traced_as
from limen.transports import (
    BearerTransport,
    Carrier,
    CookieTransport,
    OriginRule,
    Presented,
)
from limen.transports.origin import SAFE_METHODS, Provenance
from limen.verdict import Absent, Authenticated, Issued, Reason, Refused, Verdict
from limen.web.closing import Closed, Socket, Stream, refuse
from limen.web.refusal import STORE_DOWN, Refusal, overloaded

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.principal import Principal
    from limen.transports.base import HeaderLines

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("limen.web")

SCOPE_KEY = "limen.auth"
_COOKIE = Carrier.COOKIE  # Python 3.11 takes half a microsecond to find it
REQUEST_ID_OCTETS = 9
_PORT = re.compile(r":[0-9]{1,5}\Z")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A signed token that failed for one of these may have a refresh token that still works.
_RENEWABLE = frozenset({Reason.EXPIRED, Reason.REVOKED, Reason.UNKNOWN_KEY})
# Requests that a framework makes ahead of the person; they must not change credentials.
_PREFETCH = frozenset({b"purpose", b"sec-purpose", b"next-router-prefetch", b"rsc"})


class Edge:
    """What the settings say about HTTP, computed once."""

    def __init__(self, auth: Limen) -> None:
        settings = auth.settings
        self.auth = auth
        self.bearer = BearerTransport()
        self.origins = OriginRule(settings.base_url, settings.trusted_origins)
        self._secure = CookieTransport(settings.cookies, secure=True)
        self._plain: CookieTransport | None = None
        base_url = settings.base_url
        if base_url is None or not base_url.startswith("https://"):
            self._plain = CookieTransport(settings.cookies, secure=False)
        self._always_plain = base_url is not None and self._plain is not None

    def cookies_for(self, scope: Scope) -> CookieTransport:
        """Return the cookie transport for one request.

        Cookies are Secure unless `base_url` says http, or there is no `base_url` and the
        request is plain http to the loopback, which is development.
        """
        if self._plain is None:
            return self._secure
        if self._always_plain:
            return self._plain
        plain = scope.get("scheme") in ("http", "ws") and _is_loopback(last_line(scope, b"host"))
        return self._plain if plain else self._secure


def last_line(scope: Scope, wanted: bytes) -> str:
    """Return the value of a header, of several the last; empty if there is none."""
    found = b""
    for name, value in scope["headers"]:
        if name == wanted:
            found = value
    return found.decode("latin-1")


@lru_cache(64)
def _is_loopback(host: str) -> bool:
    name, _, _port = host.rpartition(":") if _PORT.search(host) else (host, "", "")
    return name.lower() in _LOOPBACK


class RequestAuth:
    """The authentication of one request: who acts, and what its response hands back.

    Made for every request, so it reads nothing before somebody asks.
    """

    __slots__ = (
        "_cookies",
        "_edge",
        "_verdict",
        "_watches",
        "consulted",
        "held",
        "outgoing",
        "recalled",
        "scope",
    )

    def __init__(self, edge: Edge, scope: Scope) -> None:
        self._edge = edge
        # A copy: the request holds this object, and a ring would wait for the garbage collector.
        self.scope = dict(scope)
        self.outgoing: list[tuple[bytes, bytes]] = []
        self.consulted = False
        self.recalled = False  # whether the verdict rests on a refresh token not used up
        self.held: Socket | Stream | None = None  # what may have to be closed before its time
        self._verdict: Verdict | None = None
        self._cookies: CookieTransport | None = None
        self._watches = False

    @property
    def headers(self) -> HeaderLines:
        """The lines of the request, names in lower case."""
        lines: HeaderLines = self.scope["headers"]
        return lines

    @property
    def cookies(self) -> CookieTransport:
        """What reads and writes the cookies of this request."""
        if self._cookies is None:
            self._cookies = self._edge.cookies_for(self.scope)
        return self._cookies

    @property
    def auth(self) -> Limen:
        """The Limen that judges this request."""
        return self._edge.auth

    @property
    def own_origin(self) -> str:
        """The origin that the request itself names; used while `base_url` is not set."""
        scheme = {"ws": "http", "wss": "https"}.get(self.scope["scheme"], self.scope["scheme"])
        return f"{scheme}://{last_line(self.scope, b'host').lower()}"

    @property
    def is_safe(self) -> bool:
        """Whether the method changes nothing (RFC 9110 section 9.2.1). A socket does."""
        return self.scope["type"] == "http" and self.scope["method"] in SAFE_METHODS

    @property
    def is_prefetch(self) -> bool:
        """Whether the page is loaded ahead of the person.

        The word of the client counts only where nothing is to be done anyway.
        """
        return self.is_safe and any(name in _PREFETCH for name, _ in self.headers)

    def provenance(self) -> Provenance:
        """Judge where the request came from by its `Origin`, else `Referer`."""
        origin, referer = last_line(self.scope, b"origin"), last_line(self.scope, b"referer")
        return self._edge.origins.judge(origin, referer, self.own_origin)

    def trusts_target(self, target: str) -> bool:
        """Tell whether a redirect may go to `target`."""
        return self._edge.origins.trusts_target(target, self.own_origin)

    def presented(self) -> Presented | Refused | None:
        """Return what the request carries.

        An `Authorization: Bearer` header was put there on purpose, so it is judged alone
        and a cookie beside it is ignored: two identities never mix.
        """
        carried = self._edge.bearer.read(self.headers)
        if carried is None:
            carried = self.cookies.read(self.headers)
        return carried

    async def verdict(self) -> Verdict:
        """Say who the request acts for; judged once, and renewed where that is due.

        Raises `StoreUnavailable` when the store must be asked and cannot answer.
        """
        if self._verdict is None:
            self.consulted = True
            verdict = await self._judge()
            if self.held is not None and isinstance(verdict, Authenticated):
                # A socket outlives its verdict, so it is watched over from here on.
                stands = await self.held.watch(self.auth, verdict.principal)
                verdict = verdict if stands else Refused(Reason.REVOKED)
            self._verdict = verdict
        return self._verdict

    def watch(self) -> None:
        """Let the response end when the sign-in does, whatever its type.

        An event stream does so by itself. Call this before the response begins.
        """
        self._watches = True

    def outlasts(self, content_type: bytes) -> bool:
        """Tell whether a response of this type goes on for longer than its verdict."""
        lasts = self._watches or content_type.lower().startswith(b"text/event-stream")
        return lasts and isinstance(self._verdict, Authenticated)

    async def hold(self, send: Send) -> Send:
        """Watch over a response that goes on; return what the rest of it is sent with."""
        if not isinstance(self._verdict, Authenticated):
            return send
        stream = self.held = Stream(self.scope, send)
        await stream.watch(self.auth, self._verdict.principal)
        return stream.send

    async def _judge(self) -> Verdict:
        auth, carried = self.auth, self.presented()
        if auth.assembly.traced:
            carrier = carried.carrier.value if isinstance(carried, Presented) else "none"
            self._record(Phase.CREDENTIAL_EXTRACT, outcome={"carrier": Public(carrier)})
        if not isinstance(carried, Presented):
            return carried or Absent()
        by_cookie = carried.carrier is _COOKIE
        if by_cookie and not self.is_safe:
            trusted = self.provenance() is Provenance.TRUSTED
            check = Check("origin", trusted, None if trusted else Reason.CROSS_ORIGIN)
            self._record(Phase.CSRF_CHECK, checks=(check,))
            if not trusted:
                return Refused(Reason.CROSS_ORIGIN)
        verdict: Verdict = Absent()
        if carried.access is not None:
            verdict = await auth.authenticate(carried.access.reveal())
        if by_cookie and not isinstance(verdict, Authenticated) and carried.refresh is not None:
            verdict = await self._renew(carried.refresh.reveal(), verdict)
        if by_cookie and isinstance(verdict, Authenticated) and auth.is_outdated(verdict.principal):
            await self._exchange(verdict.principal, carried)
        return verdict

    def _record(self, phase: Phase, **told: Any) -> None:
        assembly = self.auth.assembly
        assembly.tracer.record(assembly.parts.primary.name, phase, **told)

    async def _renew(self, refresh: str, refused: Absent | Refused) -> Verdict:
        """Go on with the refresh token where the access token has merely run out.

        A safe request gets another access token and uses nothing up, a prefetch gets not
        even that, and any other request rotates. So no page loses its session, and none
        that a browser loads ahead can spend it.
        """
        if isinstance(refused, Refused) and refused.reason not in _RENEWABLE:
            return refused
        self.recalled = self.is_safe or self.is_prefetch
        if self.is_prefetch:
            return await self.auth.recall(refresh)
        renewing = self.auth.reissue if self.is_safe else self.auth.refresh
        renewed = await renewing(refresh)
        if isinstance(renewed, Refused):
            return renewed
        self.deliver(renewed)
        return Authenticated(renewed.principal)

    async def _exchange(self, principal: Principal, carried: Presented) -> None:
        """Hand out a credential of the strategy that the system is moving to."""
        if self.outgoing or self.is_prefetch:
            return
        refresh = carried.refresh.reveal() if carried.refresh else None
        issued = await self.auth.exchange(principal, refresh)
        if isinstance(issued, Issued):
            self.deliver(issued)

    def deliver(self, issued: Issued) -> None:
        """Set the cookies of a credential on this response, in place of any set before."""
        self.outgoing[:] = self.cookies.deliver(issued, self.auth.assembly.clock.now())

    def withdraw(self) -> None:
        """Make the client forget its cookies with this response."""
        self.outgoing[:] = self.cookies.withdraw()


class AuthMiddleware:
    """Gives each request a `RequestAuth` and turns faults into 503. Pure ASGI."""

    def __init__(self, app: ASGIApp, auth: Limen) -> None:
        self.app = app
        self.auth = auth
        self.edge = Edge(auth)

    async def __call__(  # noqa: C901 - one frame for what every request passes
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if SCOPE_KEY in scope:  # an outer middleware serves this request already
            await self.app(scope, receive, send)
            return
        request_auth = scope[SCOPE_KEY] = RequestAuth(self.edge, scope)
        if scope["type"] == "websocket":
            socket = request_auth.held = Socket(receive, send)
            receive, send = socket.receive, socket.send
        started = False

        async def send_with_cookies(message: Message) -> None:
            nonlocal started, send
            if message["type"] in ("http.response.start", "websocket.accept"):
                if _add_headers(message, request_auth):
                    send = await request_auth.hold(send)
                started = True
            await send(message)

        assembly = self.auth.assembly
        request_id = random_text(assembly.entropy, REQUEST_ID_OCTETS) if assembly.traced else None
        try:
            if not self.auth.is_open:
                await self.auth.open()
            if request_id is None:
                await self.app(scope, receive, send_with_cookies)
            else:
                with traced_as(request_id=request_id):
                    await self.app(scope, receive, send_with_cookies)
        except (StoreUnavailable, Overloaded) as fault:
            if started:
                raise
            # With the cookies: what was rotated before the fault must not be lost.
            await refuse(scope, _refusal_for(fault), send_with_cookies)
        except Closed:
            pass  # the application went on sending to a client that was cut off
        finally:
            if request_auth.held is not None:
                await request_auth.held.finish()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open before the application starts and close after it stopped.

        A mistake in the configuration must stop the server, so it is reported in the
        protocol's own way: some servers go on serving after an exception here.
        """
        startup = await receive()
        try:
            await self.auth.open()
        except LimenError as fault:
            await send({"type": "lifespan.startup.failed", "message": str(fault)})
            return
        waiting = [startup]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        async def closed_first(message: Message) -> None:
            # Servers end their event loop once they are told that the shutdown is complete.
            if message["type"].startswith("lifespan.shutdown."):
                await self.auth.close()
            await send(message)

        try:
            await self.app(scope, replayed, closed_first)
        finally:
            if self.auth.is_open:
                await self.auth.close()


def _add_headers(message: Message, request_auth: RequestAuth) -> bool:
    """Add what a response hands back; true if it is a stream to be watched over."""
    outgoing = request_auth.outgoing
    if not outgoing and not request_auth.consulted:
        return False
    headers = list(message.get("headers", ()))
    stated, content_type = False, b""
    for name, value in headers:
        lowered = name.lower()
        if lowered == b"cache-control":
            stated = True
        elif lowered == b"content-type":
            content_type = value
    if outgoing:
        # A cached Set-Cookie would sign somebody else in (ASVS 14.3.2).
        headers = [line for line in headers if line[0].lower() != b"cache-control"]
        stated = False
    if not stated:
        headers.append((b"cache-control", b"no-store"))
    message["headers"] = [*headers, *outgoing]
    return request_auth.held is None and request_auth.outlasts(content_type)


def _refusal_for(fault: StoreUnavailable | Overloaded) -> Refusal:
    if isinstance(fault, Overloaded):
        return overloaded(fault.retry_after)
    _log.warning("a request was refused with 503: %s", fault)
    return STORE_DOWN

"""The authentication of one ASGI request: what it carries, who that is, what it hands back."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from limen.audit import AuditKind
from limen.effects import record
from limen.entropy import SystemEntropy, random_text
from limen.evidence import Check, Public
from limen.phase import Phase
from limen.principal import Client
from limen.trace.recorder import traced_request
from limen.transports import (
    Carrier,
    CookieTransport,
    OriginRule,
    Presented,
)
from limen.transports.origin import SAFE_METHODS, Provenance
from limen.verdict import NOT_OURS, Absent, Authenticated, Issued, Reason, Refused, Verdict
from limen.web import elsewhere
from limen.web.closing import Socket, Stream
from limen.web.proving import header_transport, judge_access, told

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.principal import Principal
    from limen.transports.base import HeaderLines
    from limen.web.asgi import Scope, Send

_COOKIE: Final = Carrier.COOKIE  # Python 3.11 takes half a microsecond to find it
_PORT: Final = re.compile(rb":[0-9]{1,5}\Z")
_LOOPBACK: Final = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
# A signed token that failed for one of these may have a refresh token that still works.
_RENEWABLE: Final = frozenset({Reason.EXPIRED, Reason.REVOKED, Reason.UNKNOWN_KEY})
# Requests that a framework makes ahead of the person; they must not change credentials.
_PREFETCH: Final = frozenset({b"purpose", b"sec-purpose", b"next-router-prefetch", b"rsc"})


MAX_USER_AGENT = 512  # characters kept for the device list
REQUEST_ID_OCTETS = 9
_ENTROPY: Final = SystemEntropy()


class Edge:
    """What the settings say about HTTP, computed once."""

    def __init__(self, auth: Limen) -> None:
        settings = auth.settings
        self.auth = auth
        self.bearer = header_transport(settings.dpop)
        self.origins = OriginRule(settings.base_url, settings.trusted_origins)
        several = settings.better_auth.multi_session > 0
        self._secure = CookieTransport(settings.cookies, secure=True, several=several)
        self._plain: CookieTransport | None = None
        base_url = settings.base_url
        if base_url is None or not base_url.startswith("https://"):
            self._plain = CookieTransport(settings.cookies, secure=False, several=several)
        self._always_plain = base_url is not None and self._plain is not None

    def cookies_at(self, scheme: str, host: bytes) -> CookieTransport:
        """Return the cookie transport for one request, by its scheme and `Host` header.

        Cookies are Secure unless `base_url` says http, or there is no `base_url` and the
        request is plain http to the loopback, which is development.
        """
        if self._plain is None:
            return self._secure
        if self._always_plain or (scheme in ("http", "ws") and is_loopback(host)):
            return self._plain
        return self._secure


def last_line(scope: Scope, wanted: bytes) -> bytes:
    """Return the value of a header, of several the last; empty if there is none."""
    found = b""
    for name, value in scope["headers"]:
        if name == wanted:
            found = value
    return found


@lru_cache(64)
def is_loopback(host: bytes) -> bool:
    """Tell whether a `Host` header names this machine."""
    name, _, _port = host.rpartition(b":") if _PORT.search(host) else (host, b"", b"")
    return name.lower() in _LOOPBACK


class RequestAuth:
    """The authentication of one request: who acts, and what its response hands back.

    Made for every request, so it reads nothing before somebody asks.
    """

    __slots__ = (
        "_cookies",
        "_edge",
        "_id",
        "_verdict",
        "_watches",
        "consulted",
        "held",
        "issued",
        "outgoing",
        "parting",
        "recalled",
        "scope",
    )

    def __init__(self, edge: Edge, scope: Scope) -> None:
        self._edge = edge
        # A copy: the request holds this object, and a ring would wait for the garbage collector.
        self.scope = dict(scope)
        self.outgoing: list[tuple[bytes, bytes]] = []
        self.issued: Issued | None = None  # what the client holds after this response
        self.parting = False  # whether somebody signed in or out with this response
        self.consulted = False
        self.recalled = False  # whether the verdict rests on a refresh token not used up
        self.held: Socket | Stream | None = None  # what may have to be closed before its time
        self._verdict: Verdict | None = None
        self._cookies: CookieTransport | None = None
        self._watches = False
        self._id: str | None = None

    @property
    def headers(self) -> HeaderLines:
        """The lines of the request, names in lower case."""
        lines: HeaderLines = self.scope["headers"]
        return lines

    @property
    def cookies(self) -> CookieTransport:
        """What reads and writes the cookies of this request."""
        if self._cookies is None:
            host = last_line(self.scope, b"host")
            self._cookies = self._edge.cookies_at(self.scope.get("scheme", ""), host)
        return self._cookies

    @property
    def auth(self) -> Limen:
        """The Limen that judges this request."""
        return self._edge.auth

    @property
    def client(self) -> Client:
        """What the device list will say of this client."""
        address = self.scope.get("client")
        agent = next((value for name, value in self.headers if name == b"user-agent"), b"")
        return Client(address[0] if address else "", agent.decode("latin-1")[:MAX_USER_AGENT])

    @property
    def actor(self) -> str:
        """The account that acts, as far as this request was judged; for the audit log."""
        verdict = self._verdict
        return verdict.principal.subject if isinstance(verdict, Authenticated) else ""

    @property
    def request_id(self) -> str:
        """What the trace and the audit log call this request. Never a word of the client."""
        if self._id is None:
            self._id = traced_request() or random_text(_ENTROPY, REQUEST_ID_OCTETS)
        return self._id

    @property
    def own_origin(self) -> str:
        """The origin that the request itself names; used while `base_url` is not set."""
        scheme = {"ws": "http", "wss": "https"}.get(self.scope["scheme"], self.scope["scheme"])
        return f"{scheme}://{last_line(self.scope, b'host').decode('latin-1').lower()}"

    @property
    def public_origin(self) -> str:
        """The origin under which people use the service: of `base_url`, else of the request."""
        return self._edge.origins.own or self.own_origin

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
        origin, referer = (
            last_line(self.scope, name).decode("latin-1") for name in (b"origin", b"referer")
        )
        return self._edge.origins.judge(origin, referer, self.own_origin)

    def trusts_target(self, target: str) -> bool:
        """Tell whether a redirect may go to `target`."""
        return self._edge.origins.trusts_target(target, self.own_origin)

    def presented(self) -> Presented | Refused | None:
        """Return what the request carries.

        An `Authorization` header was put there on purpose, so it is judged alone
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
            verdict = self._recognised() or await self._judge()
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

    def is_to_be_held(self, *, streams: bool) -> bool:
        """Tell whether a response goes on for longer than its verdict, and nobody watches yet."""
        if not streams and not self._watches:
            return False
        return self.held is None and isinstance(self._verdict, Authenticated)

    async def hold(self, send: Send) -> Send:
        """Watch over a response that goes on; return what the rest of it is sent with."""
        if not isinstance(self._verdict, Authenticated):
            return send
        stream = self.held = Stream(self.scope, send)
        await stream.watch(self.auth, self._verdict.principal)
        return stream.send

    def _recognised(self) -> Authenticated | None:
        """Return the verdict on a credential that this process has verified before.

        One pass over the header lines and nothing awaited. `None` says nothing, `_judge`
        decides; and what is returned is what that returns.
        """
        authorization = cookie = None
        host = b""
        for name, value in self.scope["headers"]:
            if name == b"cookie":
                if cookie is not None:
                    return None
                cookie = value
            elif name == b"authorization":
                if authorization is not None:
                    return None
                authorization = value
            elif name == b"host":
                host = value
        edge = self._edge
        if authorization is not None:
            credential = edge.bearer.glance(authorization)
            return None if credential is None else edge.auth.recognise(credential)
        if cookie is None or not self.is_safe:  # an unsafe method needs an origin as well
            return None
        self._cookies = edge.cookies_at(self.scope.get("scheme", ""), host)
        credential = self._cookies.glance(cookie)
        known = None if credential is None else edge.auth.recognise(credential)
        if known is None or edge.auth.is_outdated(known.principal):
            return None  # `_judge` exchanges it
        return known

    async def _judge(self) -> Verdict:
        auth, carried = self.auth, self.presented()
        if auth.assembly.traced:
            carrier = carried.carrier.value if isinstance(carried, Presented) else "none"
            self._record(Phase.CREDENTIAL_EXTRACT, outcome={"carrier": Public(carrier)})
        verdict: Verdict = Absent()
        if isinstance(carried, Presented):
            verdict = await self._judge_own(carried)
        elif isinstance(carried, Refused):
            verdict = await told(auth, carried)
        if auth.settings.elsewhere and _may_be_elsewhere(verdict):
            return await elsewhere.judge(self, verdict)
        return verdict

    async def _judge_own(self, carried: Presented) -> Verdict:
        auth, by_cookie = self.auth, carried.carrier is _COOKIE
        if by_cookie and not await self.comes_from_us():
            return Refused(Reason.CROSS_ORIGIN)
        verdict: Verdict = Absent()
        if carried.access is not None:
            verdict = await judge_access(self, carried.access.reveal(), carried.carrier)
        if by_cookie and not isinstance(verdict, Authenticated) and carried.refresh is not None:
            verdict = await self._renew(carried.refresh.reveal(), verdict)
        if by_cookie and isinstance(verdict, Authenticated) and auth.is_outdated(verdict.principal):
            await self._exchange(verdict.principal, carried)
        return verdict

    async def comes_from_us(self) -> bool:
        """Tell whether a request may act by what a browser attached to it, and trace why."""
        if self.is_safe:
            return True
        trusted = self.provenance() is Provenance.TRUSTED
        check = Check("origin", trusted, None if trusted else Reason.CROSS_ORIGIN)
        self._record(Phase.CSRF_CHECK, checks=(check,))
        if not trusted:
            await self.auth.run(record(AuditKind.ORIGIN_REFUSED, reason=Reason.CROSS_ORIGIN))
        return trusted

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
        self.hand_out(renewed)
        return Authenticated(renewed.principal)

    async def _exchange(self, principal: Principal, carried: Presented) -> None:
        """Hand out a credential of the strategy that the system is moving to."""
        if self.outgoing or self.is_prefetch:
            return
        refresh = carried.refresh.reveal() if carried.refresh else None
        issued = await self.auth.exchange(principal, refresh)
        if isinstance(issued, Issued):
            self.hand_out(issued)

    def deliver(self, issued: Issued) -> None:
        """Set the cookies of a credential on this response, in place of any set before."""
        self.parting = True
        self.hand_out(issued)
        # It may be another person now, and a front end must not go on with the copy of the last.
        self.forget_cache()

    def withdraw(self, *, ended: bool = True) -> None:
        """Make the client forget its cookies with this response.

        If that `ended` a session, a browser drops besides what `BrowserSettings.clear` says.
        """
        self.issued, self.parting = None, True
        if ended:
            self.outgoing += self.auth.settings.browser.farewell()
        self.put(self.cookies.withdraw())
        self.forget_cache()
        held = self.presented()
        renews = (held.refresh or held.access) if isinstance(held, Presented) else None
        for key, credential in self.cookies.beside.accounts(self.headers).items():
            if credential == renews:
                self.put(self.cookies.beside.forget_account(key))

    def forget_cache(self) -> None:
        """Expire the copy of a session that a front end reads, if the client has one."""
        self.put(self.cookies.beside.forget_cache(self.headers))

    def put(self, lines: HeaderLines) -> None:
        """Set cookies on this response, each in place of one of its name."""
        names = {line.partition(b"=")[0] for _, line in lines}
        kept = [one for one in self.outgoing if one[1].partition(b"=")[0] not in names]
        self.outgoing[:] = [*kept, *lines]

    def hand_out(self, issued: Issued) -> None:
        """Set the cookies of a credential of whoever acts already."""
        self.issued = issued
        self.put(self.cookies.deliver(issued, self.auth.assembly.clock.now()))


def _may_be_elsewhere(verdict: Verdict) -> bool:
    if isinstance(verdict, Refused):
        return verdict.reason in NOT_OURS
    return isinstance(verdict, Absent)

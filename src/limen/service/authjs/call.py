"""One call of an endpoint of this wire, and what both versions answer differently."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from limen.evidence import Check
from limen.phase import Phase
from limen.service.answer import Answer, HeaderPairs, json_answer
from limen.service.authjs.cookies import cookies_of, written
from limen.service.visit import Visit
from limen.transports.authjs import AUTH_JS, NEXT_AUTH, AuthjsSettings, CookieNames, Version
from limen.transports.origin import Provenance
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.service.authjs.csrf import CsrfTokens

MAX_TARGET: Final = 2_048  # characters of an address to go on to
NO_CACHE: Final[HeaderPairs] = (
    ("Cache-Control", "private, no-cache, no-store"),
    ("Expires", "0"),
    ("Pragma", "no-cache"),
)
_log = logging.getLogger("limen.service")
_JSON_HEADER: Final = b"x-auth-return-redirect"


@dataclass(slots=True)
class Call(Visit):
    """One request. `base` is the absolute address of the mount; `extra` are cookies to set."""

    base: str
    csrf: CsrfTokens
    provider: str | None = None
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    extra: list[tuple[str, str]] = field(default_factory=list)
    _cookies: dict[str, str] | None = None

    @property
    def settings(self) -> AuthjsSettings:
        """The settings of this mount."""
        return self.auth.settings.authjs

    @property
    def version(self) -> Version:
        """The version of the client."""
        return self.settings.version or AUTH_JS

    @property
    def is_next_auth(self) -> bool:
        """Whether the client is NextAuth.js, version 4."""
        return self.version == NEXT_AUTH

    @property
    def secure(self) -> bool:
        """Whether cookies of this request are `Secure`, and so named."""
        return self.request_auth.cookies.secure

    @property
    def names(self) -> CookieNames:
        """What the cookies of this request are called."""
        return CookieNames.of(self.version, secure=self.secure)

    # -- what the request says

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the request."""
        if self._cookies is None:
            self._cookies = cookies_of(self.request_auth.headers)
        return self._cookies

    def asked(self, name: str) -> str:
        """Return a parameter of the query, the empty text unless it occurs once."""
        value = self.query.get(name)
        return value if isinstance(value, str) else ""

    def given(self, name: str) -> str:
        """Return a text of the body, the empty text if there is none."""
        value = self.body.get(name)
        return value if isinstance(value, str) else ""

    def held(self) -> tuple[str, ...]:
        """Return every credential that the client holds, as text."""
        found = self.carried()
        parts = () if found is None else (found.access, found.refresh)
        return tuple(part.reveal() for part in parts if part is not None)

    @property
    def wants_json(self) -> bool:
        """Whether a script asks, which would follow a redirect and lose it."""
        if self.is_next_auth:
            return self.given("json") == "true"
        return any(name == _JSON_HEADER for name, _ in self.request_auth.headers)

    # -- cross-site requests

    def is_ours(self) -> bool:
        """Tell whether a page of ours asks: by its origin, and by the token that it could read."""
        trusted = self.request_auth.provenance() is Provenance.TRUSTED
        proven = self.csrf.proves(self.cookies.get(self.names.csrf, ""), self.body.get("csrfToken"))
        checks = tuple(
            Check(name, passed, None if passed else Reason.CROSS_ORIGIN)
            for name, passed in (("origin", trusted), ("token", proven))
        )
        self.auth.assembly.tracer.record(self.strategy, Phase.CSRF_CHECK, checks=checks)
        if proven and not trusted:
            _log.warning(
                "A request was refused for its Origin, not for its csrfToken: it must be that of "
                "base_url or one of trusted_origins."
            )
        return trusted and proven

    def csrf_token(self) -> str:
        """Return the token of this browser, a new one with its cookie if it has none."""
        token = self.csrf.token_in(self.cookies.get(self.names.csrf, ""))
        if token is None:
            token = self.csrf.new(self.auth.assembly.entropy)
            self.set(self.names.csrf, self.csrf.cookie(token))
        return token

    # -- where to go on

    def target(self) -> str:
        """Return where the browser goes afterwards: an absolute address that is trusted.

        What the body or the query names is kept in a cookie, for the page in between; what is
        not trusted, in either, counts as not named.
        """
        named = self.given("callbackUrl") or self.asked("callbackUrl")
        target = self.trusted(named)
        if target is not None:
            if target != self.cookies.get(self.names.callback):
                self.set(self.names.callback, target)
            return target
        return self.trusted(self.cookies.get(self.names.callback, "")) or self.origin

    def trusted(self, named: str) -> str | None:
        """Return an address in full if it is on our origin or a trusted one."""
        if not named or len(named) > MAX_TARGET:
            return None
        absolute = self.origin + named if named.startswith("/") else named
        if absolute.startswith("/") or not self.request_auth.trusts_target(absolute):
            return None
        return absolute

    @property
    def origin(self) -> str:
        """The origin of this service as the browser knows it."""
        return self.request_auth.public_origin

    def page(self, action: str, own: str | None, /, **query: str) -> str:
        """Return the absolute address of a page: the application's own, else ours.

        The first two by place only: a visitor may have named a member of the query like them.
        """
        address = self.origin + own if own is not None else f"{self.base}/{action}"
        if not query:
            return address
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query, quote_via=quote)}"

    def set(self, name: str, value: str, age: int | None = None) -> None:
        """Set a cookie with this answer."""
        domain = self.auth.settings.cookies.domain
        self.extra.append(written(name, value, secure=self.secure, domain=domain, age=age))

    # -- answers

    def nobody(self) -> Answer:
        """Answer that nobody is signed in."""
        return json_answer({} if self.is_next_auth else None, headers=NO_CACHE)

    def go(self, url: str, status: int = 200, headers: HeaderPairs = ()) -> Answer:
        """Send the browser on; a script is told where, with `status`."""
        if self.wants_json:
            return json_answer({"url": url}, status, (*NO_CACHE, *headers))
        return Answer(302, headers=(("Location", url), *NO_CACHE, *headers))

    def bad_request(self) -> Answer:
        """Answer what is no request of this wire."""
        if self.is_next_auth:
            return Answer(400, b"This action is not served.", "text/plain; charset=utf-8")
        return json_answer("Bad request.", 400)

    def misled(self) -> Answer:
        """Answer what names a provider or an action that there is not."""
        if self.is_next_auth:
            return self.bad_request()
        return self.go(self.page("error", self.settings.error_page, error="Configuration"))

    def foreign(self, action: str = "signin") -> Answer:
        """Answer a request that did not come from a page of ours.

        Version 4 takes an answer of 200 without `error` for a success, so it gets neither.
        """
        if self.is_next_auth:
            return self.go(self.page(action, None, csrf="true", error="MissingCSRF"), 403)
        return self.go(self.page("signin", self.settings.sign_in_page, error="MissingCSRF"))

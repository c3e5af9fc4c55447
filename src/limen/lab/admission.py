"""Who may use the Lab: the person who started it, from pages of the Lab itself.

A port of the loopback is open to every program and, through a browser, to every web page.
So a launch code is exchanged once for a cookie, and host and origin are compared exactly.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from limen.entropy import Entropy, SystemEntropy, random_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers

COOKIE = "lab_session"
CODE_OCTETS = 32
# Only the Lab's own scripts run, and none of them can turn text into markup: no policy of
# Trusted Types exists. Nothing is loaded from elsewhere, and nobody may frame these pages.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Admission:
    """The launch code, the session that it buys, and the rules for host and origin."""

    def __init__(self, port: int, entropy: Entropy | None = None, *, cookie: str = COOKIE) -> None:
        """Draw the secrets of one start of the Lab; they are never written anywhere."""
        # Ports share their cookies: another Lab must not take this one's place.
        self.cookie = f"{cookie}_{port}"
        entropy = entropy or SystemEntropy()
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._code: str | None = random_text(entropy, CODE_OCTETS)
        self._session = random_text(entropy, CODE_OCTETS)
        self._csrf_key = entropy.octets(CODE_OCTETS)
        self.launch_url = f"http://127.0.0.1:{port}/?launch={self._code}"

    def launch(self, code: str) -> str | None:
        """Exchange the launch code for the session's cookie value; works once."""
        if self._code is None or not _equal(code, self._code):
            return None
        self._code = None
        return self._session

    def admits(self, cookie: str | None) -> bool:
        """Tell whether a cookie value is that of the session."""
        return cookie is not None and self._code is None and _equal(cookie, self._session)

    def names_host(self, headers: Mapping[str, str]) -> bool:
        """Tell whether the request was meant for this server: the end of DNS rebinding."""
        return headers.get("host", "").lower() in self._hosts

    def from_here(self, headers: Mapping[str, str], *, unsafe: bool) -> bool:
        """Tell whether a page of the Lab, or the person's own address bar, asks.

        The pages send no referrer, so browsers state the origin of their forms as `null`;
        then `Sec-Fetch-Site`, which no page can set, must say where the form came from.
        """
        site = headers.get("sec-fetch-site")
        if not unsafe:
            return site in (None, "same-origin", "none")
        origin = headers.get("origin")
        if origin == "null":
            return site == "same-origin"
        return origin in self._origins and site in (None, "same-origin")

    @property
    def csrf(self) -> str:
        """The token that every form carries."""
        return hmac.digest(self._csrf_key, self._session.encode(), "sha256").hex()

    def has_token(self, stated: str) -> bool:
        """Tell whether a form carried the token."""
        return _equal(stated, self.csrf)


def session_of(headers: Headers, cookie: str) -> str | None:
    """Return the session's cookie; two of that name are a trick, and count as none."""
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    values = [value for name, _, value in pairs if name == cookie]
    return values[0] if len(values) == 1 else None


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())

"""Which pages may act with a credential that a browser attaches by itself."""

from __future__ import annotations

import ipaddress
import re
from enum import Enum, auto, unique
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# A path of our own: one slash, then nothing that a browser could read as another host. Nor two
# slashes further on: without the dot segments before them they would be the beginning.
_RELATIVE = re.compile(
    r"/(?!/|\\|%2f|%5c)(?![^?]*//)[\w\-.+/@]*(?:\?[\w\-.+/=&%@]*)?", re.ASCII | re.IGNORECASE
)

# An absolute target without anything that browsers and we could read differently: no
# backslash, no user information, no percent sign in the host, nothing that is not printable.
_ABSOLUTE = re.compile(
    r"https?://[a-z0-9.\-]+(?::[0-9]+)?(?:[/?#][!-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
# A scheme of an app, such as myapp://, is trusted only when it is listed exactly.
_WEB = ("http://", "https://")


@unique
class Provenance(Enum):
    """Where a request came from, as its `Origin` (else `Referer`) says."""

    TRUSTED = auto()
    MISSING = auto()
    FOREIGN = auto()


def origin_of(url: str) -> str | None:
    """Return `scheme://host[:port]` of an absolute URL, default port left out, else `None`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme = parts.scheme.lower()
    shown = "" if port is None or port == _DEFAULT_PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host}{shown}"


def is_loopback(url: str) -> bool:
    """Tell whether a URL names this machine (RFC 6761 section 6.3 for names)."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_bare(url: str) -> bool:
    return urlsplit(url)._replace(scheme="", netloc="").geturl() in ("", "/")


class OriginRule:
    """The application's own origin and those it trusts.

    An entry is an origin (`https://app.example`), or a pattern in which `*` and `?` stand
    for anything but a slash: with a scheme it is matched against the origin, without one
    against the host.
    """

    def __init__(self, base_url: str | None, trusted: Sequence[str] = ()) -> None:
        """Make the rule; `base_url=None` trusts the host that the request itself names."""
        self.own = None if base_url is None else origin_of(base_url)
        if base_url is not None and self.own is None:
            raise ConfigurationError(
                "base_url", f"{base_url!r} is not a URL.", "Write it as https://app.example."
            )
        if base_url is not None and not _is_bare(base_url):
            raise ConfigurationError(
                "base_url",
                "has more than a scheme, a host and a port.",
                "Write it as https://app.example; a path belongs into base_path.",
            )
        self._exact: set[str] = set()
        self._origin_patterns: list[re.Pattern[str]] = []
        self._host_patterns: list[re.Pattern[str]] = []
        for entry in trusted:
            self._add(entry)

    def _add(self, entry: str) -> None:
        if "*" in entry or "?" in entry:
            patterns = self._origin_patterns if "://" in entry else self._host_patterns
            patterns.append(_glob(entry))
            return
        origin = origin_of(entry)
        if origin is None:
            raise ConfigurationError(
                "trusted_origins",
                f"{entry!r} is not an origin.",
                "Write it as https://app.example, or as a pattern such as https://*.example.",
            )
        self._exact.add(origin)

    def trusts(self, url: str, own: str | None) -> bool:
        """Tell whether the origin of an absolute URL is ours or a trusted one."""
        origin = origin_of(url)
        if origin is None:
            return False
        if origin == (self.own or own) or origin in self._exact:
            return True
        if not origin.startswith(_WEB):
            return False
        host = origin.partition("://")[2]
        return any(p.fullmatch(origin) for p in self._origin_patterns) or any(
            p.fullmatch(host) for p in self._host_patterns
        )

    def trusts_target(self, target: str, own: str | None) -> bool:
        """Tell whether a redirect may go to `target`: a path of ours or a trusted origin."""
        if _RELATIVE.fullmatch(target) is not None:
            return True
        return _ABSOLUTE.fullmatch(target) is not None and self.trusts(target, own)

    def judge(self, origin: str | None, referer: str | None, own: str | None) -> Provenance:
        """Judge a request by its headers; `own` is the origin that the request itself names.

        A page cannot forge either header, and a browser sends `Origin` on every unsafe
        request, so a request with a cookie and neither header is refused as well.
        """
        stated = origin or referer
        if not stated or stated == "null":
            return Provenance.MISSING
        return Provenance.TRUSTED if self.trusts(stated, own) else Provenance.FOREIGN


def _glob(pattern: str) -> re.Pattern[str]:
    body = re.escape(pattern.lower()).replace(r"\*", r"[^/\\]*").replace(r"\?", r"[^/\\]")
    return re.compile(body)

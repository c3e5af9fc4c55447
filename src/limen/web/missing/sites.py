"""Which origins a browser holds for one site: scheme and registrable domain, not the port.

The registrable domain is one label more than a public suffix, and which suffixes are public
is a list that changes every week. Here are the general rule, the usual endings of countries
and the best-known hosts of other people's applications. So two hosts may be called one site
that are none, because of a suffix that is not known here; never the other way round.
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

# Below these anybody may have a name, so what shares one of them shares nothing.
_SHARED: Final = frozenset(
    (
        *("amplifyapp.com", "appspot.com", "azurewebsites.net", "cloudfront.net", "deno.dev"),
        *("firebaseapp.com", "fly.dev", "github.io", "gitlab.io", "herokuapp.com", "netlify.app"),
        *("ngrok-free.app", "ngrok.app", "ngrok.io", "onrender.com", "pages.dev", "run.app"),
        *("surge.sh", "trycloudflare.com", "up.railway.app", "vercel.app", "web.app"),
        "workers.dev",
    )
)
_BEFORE_COUNTRIES: Final = frozenset(
    ("ac", "co", "com", "edu", "gov", "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "sch")
)
_COUNTRY: Final = 2  # letters


class Site(NamedTuple):
    """A site, as two origins are compared by it."""

    scheme: str
    domain: str

    def __str__(self) -> str:
        """Write it as people do."""
        return f"{self.scheme}://{self.domain}"


def host_of(origin: str) -> str:
    """Return the host of an origin, without its port."""
    return urlsplit(origin).hostname or ""


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address, which has no domain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def site_of(origin: str) -> Site:
    """Return the site of an origin (RFC 6265bis section 5.2, with the scheme)."""
    scheme, host = urlsplit(origin).scheme, host_of(origin)
    if is_address(host) or "." not in host:
        return Site(scheme, host)
    labels = host.split(".")
    return Site(scheme, ".".join(labels[-(_suffix_labels(labels) + 1) :]))


def same_site(one: str, other: str) -> bool:
    """Tell whether a browser holds two origins for one site."""
    return site_of(one) == site_of(other)


def is_public_suffix(domain: str) -> bool:
    """Tell whether a cookie may not name this domain, as far as is known here."""
    labels = domain.split(".")
    return _suffix_labels(["x", *labels]) >= len(labels)


def _suffix_labels(labels: list[str]) -> int:
    """Return how many labels at the end of a host are a public suffix; one at least."""
    for size in (3, 2):
        if len(labels) > size and ".".join(labels[-size:]) in _SHARED:
            return size
    country = len(labels[-1]) == _COUNTRY
    if country and len(labels) > _COUNTRY and labels[-2] in _BEFORE_COUNTRIES:
        return 2
    return 1

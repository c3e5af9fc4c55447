"""What every answer of ours tells a browser besides what it says; pure, settings to headers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.errors import ConfigurationError

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines

YEAR_S: Final = 31_536_000
# What a browser can be told to drop (Clear Site Data section 3.1).
CLEARABLE: Final = ("cache", "cookies", "storage", "executionContexts")
_HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class BrowserSettings:
    """What browsers are told to do for this service's host.

    `hsts` is for how many seconds they reach it by https alone (ASVS 3.4.1), 0 is off; it is said
    only where the service is public and https. `hsts_subdomains` says it of every host below
    too, so set it only if each of them speaks https. `clear` is what they drop at sign-out of
    everything that the host has stored with them (ASVS 14.3.1): of `cache`, `cookies`, `storage`,
    `executionContexts`. `cookies` and `storage` drop what the application itself keeps there.

    Raises `ConfigurationError` for what no browser understands.
    """

    hsts: float = YEAR_S
    hsts_subdomains: bool = False
    clear: Sequence[str] = ("cache",)

    def __post_init__(self) -> None:
        """Refuse a time that is none and kinds that there are not."""
        if not 0 <= self.hsts < math.inf:
            raise ConfigurationError(
                "hsts", "is no number of seconds.", "No browser knows an endless one; 0 is off."
            )
        if isinstance(self.clear, str) or not set(self.clear) <= set(CLEARABLE):
            raise ConfigurationError(
                "clear_site_data",
                f"{self.clear!r} is no list of what a browser can drop.",
                f"List some of {', '.join(CLEARABLE)}, best only cache.",
            )

    def farewell(self) -> HeaderLines:
        """Return what an answer adds that signs somebody out."""
        kinds = ", ".join(f'"{kind}"' for kind in self.clear)
        return [(b"clear-site-data", kinds.encode())] if kinds else []

    def always_secure(self) -> HeaderLines:
        """Return what an answer adds whose host is reached by https (RFC 6797)."""
        below = "; includeSubDomains" if self.hsts_subdomains else ""
        line = (b"strict-transport-security", f"max-age={self.hsts:.0f}{below}".encode())
        return [line] if self.hsts else []


# An answer is what it says it is, belongs to whoever asked, and is part of no foreign page.
# ASVS 3.2.1, 3.4.4 to 3.4.6, 3.5.8, 14.2.2 and 14.3.2.
CLOSED: Final[HeaderLines] = [
    (b"cache-control", b"no-store"),
    (b"vary", b"Cookie"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
# A page, besides, shares its window with no other site (ASVS 3.4.8).
_ALONE: Final = (b"cross-origin-opener-policy", b"same-origin")


def completed(stated: HeaderLines, media_type: str | None, also: HeaderLines = ()) -> HeaderLines:
    """Return what an answer says of itself, and of the rest what it does not speak of.

    An answer that anybody may keep is the same for everybody, so it varies by nothing.
    """
    said = {name.lower(): value for name, value in stated}
    kept = said.get(b"cache-control", b"").startswith(b"public")
    rest = [*CLOSED, *also]
    if media_type is not None and media_type.startswith(_HTML):
        rest.append(_ALONE)
    return [
        *stated,
        *(
            (name, value)
            for name, value in rest
            if name not in said and not (kept and name == b"vary")
        ),
    ]

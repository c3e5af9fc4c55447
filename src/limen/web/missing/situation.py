"""The facts: one page, one API, and what was set. What nobody knows is `None`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import TYPE_CHECKING, Final

from limen.web.missing.sites import host_of, same_site

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One `Set-Cookie` line. `same_site` is `lax` where nothing is said; `size` is in octets."""

    name: str
    size: int
    secure: bool = False
    same_site: str = "lax"
    domain: str | None = None
    path: str = "/"

    @classmethod
    def of(cls, line: str) -> SetCookie:
        """Read a line as a browser does (RFC 6265bis section 5.6)."""
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        stated = {}
        for attribute in attributes:
            key, _, given = attribute.partition("=")
            stated[key.strip().lower()] = given.strip()
        same_site = stated.get("samesite", "").lower()
        path = stated.get("path", "")
        return cls(
            name=name,
            size=len(name.encode()) + len(value.encode()),
            secure="secure" in stated,
            same_site=same_site if same_site in ("none", "strict") else "lax",
            domain=stated.get("domain", "").lstrip(".").lower() or None,
            path=path if path.startswith("/") else "",
        )


_ATTRIBUTES: Final = frozenset(
    ("domain", "expires", "httponly", "max-age", "partitioned", "path", "samesite", "secure")
)


def without_value(line: str) -> str:
    """Return the name and the attributes of a `Set-Cookie` line, and nothing that may be secret."""
    pair, *attributes = (part.strip() for part in line.split(";"))
    known = (one for one in attributes if one.partition("=")[0].strip().lower() in _ATTRIBUTES)
    return "; ".join((pair.partition("=")[0] if "=" in pair else "(no name)", *known))


@dataclass(frozen=True, slots=True)
class Cors:
    """What an answer lets a page of another origin read.

    `origin` and `credentials` are the two headers, empty if they are missing. `None` for
    `origin` means that the page could read nothing with its cookies, and the browser does
    not say which of them was wrong.
    """

    origin: str | None
    credentials: str = ""


@dataclass(frozen=True, slots=True)
class Stranger:
    """What answers at an address where Limen was expected: the address and its HTTP status."""

    address: str
    status: int


@unique
class SignedIn(Enum):
    """Who was given the cookie of the last sign-in."""

    BY_THIS_PAGE = auto()
    BY_A_SERVER = auto()
    BY_NOBODY = auto()


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when somebody asks where a cookie is.

    `page` and `api` are origins as the browser sees them. `base_url` is the origin of that
    setting; where it is not set, `seen` is the API as the request names it to the service.
    `trusted` is whether the service takes a sign-in from this page. `kept` is whether a cookie
    with the same attributes came back, `delivered` whether `Set-Cookie` arrived at all.
    """

    page: str
    api: str
    cookies: tuple[SetCookie, ...] = ()
    seen: str | None = None
    trusted: bool | None = None
    cors: Cors | None = None
    delivered: bool | None = None
    kept: bool | None = None
    signed_in: SignedIn | None = None
    base_url: str | None = None
    stranger: Stranger | None = None

    @property
    def is_cross_origin(self) -> bool:
        """Whether the page needs the service's leave to read its answers."""
        return self.page != self.api

    @property
    def is_cross_site(self) -> bool:
        """Whether a browser holds the two for strangers."""
        return not same_site(self.page, self.api)

    @property
    def api_host(self) -> str:
        """The host that the browser asks."""
        return host_of(self.api)

    @staticmethod
    def first(cookies: Iterable[SetCookie]) -> SetCookie | None:
        """Return the first of some cookies."""
        return next(iter(cookies), None)

"""The cookies of a better-auth front end besides the credential itself.

Several accounts in one browser have a cookie each, and what a front end's middleware may
read of a session is a copy that Limen writes and never believes.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from limen.errors import ConfigurationError
from limen.secret import Secret

if TYPE_CHECKING:
    from limen.sealing import Secrets
    from limen.transports.base import HeaderLines, Headers
    from limen.verdict import Issued

CacheFormat: TypeAlias = Literal["compact", "jwt", "jwe"]
CACHE_FORMATS: Final[tuple[CacheFormat, ...]] = ("compact", "jwt", "jwe")
# Seconds that a front end may go on believing its copy after a revocation.
MAX_COOKIE_CACHE: Final = 300
# Cookies of accounts, some 120 octets each: a request stays far below what servers take.
MAX_ACCOUNTS: Final = 10
# What is kept as one cookie, attributes included; the original begins to cut here.
MAX_CACHE_OCTETS: Final = 4_050
_ACCOUNT: Final = "_multi-"
_PURPOSE: Final = "better-auth cookie cache"


@dataclass(frozen=True, slots=True)
class BetterAuthSettings:
    """What better-auth has as plugins and options; all of it is off unless asked for.

    `cookie_cache` is for how many seconds a front end may read the session from a cookie
    without asking (at most 300, 0 is off), `cookie_cache_format` how that cookie is written.
    `multi_session` is how many accounts one browser may hold at once (at most 10, 0 is off).
    With `session_jwt` each `get-session` carries a token for other services as well.
    `openapi` serves the document of the endpoints to everybody; left at `None`, to requests of
    this machine in development only (ASVS 13.4.5).
    """

    cookie_cache: float = 0
    cookie_cache_format: CacheFormat = "compact"
    multi_session: int = 0
    session_jwt: bool = False
    openapi: bool | None = None

    def __post_init__(self) -> None:
        """Refuse numbers beyond their ceilings and formats that nobody reads."""
        if not 0 <= self.cookie_cache <= MAX_COOKIE_CACHE:
            raise ConfigurationError(
                "cookie_cache",
                f"is not between 0 and {MAX_COOKIE_CACHE} s.",
                "So long a front end goes on after a revocation; use 60, or 0 for none.",
            )
        if self.cookie_cache_format not in CACHE_FORMATS:
            raise ConfigurationError(
                "cookie_cache_format",
                f"{self.cookie_cache_format!r} is not offered.",
                f"Choose one of {', '.join(CACHE_FORMATS)}.",
            )
        if not 0 <= self.multi_session <= MAX_ACCOUNTS:
            raise ConfigurationError(
                "multi_session",
                f"is not between 0 and {MAX_ACCOUNTS}.",
                "Each account is a cookie that every request carries; use 5, or 0 for none.",
            )


class SideCookies:
    """Reads and writes these cookies under the names and attributes of the credential's."""

    def __init__(self, access_name: str, cache_name: str, attributes: str) -> None:
        """Take the name of the access cookie and the attributes of every cookie here."""
        self._account = f"{access_name}{_ACCOUNT}"
        self._cache = cache_name
        self._attributes = attributes

    def accounts(self, headers: Headers) -> dict[str, Secret]:
        """Return what renews each account of this browser, by the end of its cookie's name.

        Two cookies of one name count as none: one of them was tossed in.
        """
        prefix = self._account.encode()
        found: dict[str, Secret | None] = {}
        for name, value in _pairs(headers):
            if name.startswith(prefix):
                key = name[len(prefix) :].decode("latin-1")
                twice = key in found or not value
                found[key] = None if twice else Secret(value.decode("latin-1"))
        held = [(key, value) for key, value in found.items() if value is not None]
        return dict(held[:MAX_ACCOUNTS])

    def keep_account(self, session_id: str, credential: Secret, age: int | None) -> HeaderLines:
        """Keep what renews a session under its handle."""
        return [self._line(self._account + session_id.lower(), credential.reveal(), age)]

    def forget_account(self, key: str) -> HeaderLines:
        """Expire the cookie of one account, named as `accounts` or a handle names it."""
        return [self._line(self._account + key.lower(), "", 0)]

    def keep_cache(self, value: str, age: int | None) -> HeaderLines | None:
        """Keep what a front end may read; `None` if it is too large for one cookie."""
        name, line = self._line(self._cache, value, age)
        return None if len(line) > MAX_CACHE_OCTETS else [(name, line)]

    def forget_cache(self, headers: Headers) -> HeaderLines:
        """Expire each cookie of the cache that the request carries, pieces of one as well."""
        name = self._cache.encode()
        carried = {
            found: None
            for found, _ in _pairs(headers)
            if found == name or (found.startswith(name + b".") and found[len(name) + 1 :].isdigit())
        }
        return [self._line(found.decode("latin-1"), "", 0) for found in carried]

    def _line(self, name: str, value: str, age: int | None) -> tuple[bytes, bytes]:
        max_age = "" if age is None else f"; Max-Age={age}"
        return b"set-cookie", f"{name}={value}{max_age}{self._attributes}".encode("latin-1")


def cache_secret(secrets: Secrets) -> str:
    """Return what the front end is given as its secret: it reads this cookie, and no more."""
    return urlsafe_b64encode(secrets.derive(_PURPOSE)).decode().rstrip("=")


def renewing(issued: Issued) -> Secret | None:
    """Return what renews a sign-in: the refresh token, or the session id that never changes.

    `None` if this was only another access token for a refresh token that stays.
    """
    if issued.refresh is not None:
        return issued.refresh
    return issued.access if issued.principal.key_id is None else None


def _pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    pairs = []
    for name, line in headers:
        if name == b"cookie":
            for pair in line.split(b";"):
                key, equals, value = pair.strip(b" \t").partition(b"=")
                if equals:
                    pairs.append((key, value))
    return pairs

"""Cookies: HttpOnly, host-bound, exactly one of a name or nothing (RFC 6265bis)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from limen.errors import ConfigurationError
from limen.secret import Secret
from limen.transports.base import Carrier, Presented
from limen.transports.better_auth import SideCookies, renewing
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines, Headers
    from limen.verdict import Issued

SameSite: TypeAlias = Literal["lax", "strict", "none"]
# User agents cap a cookie's age at 400 days and drop name and value above 4096 octets.
MAX_AGE_S = 34_560_000
MAX_COOKIE_OCTETS = 4_096
_TOKEN_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
)


@dataclass(frozen=True, slots=True)
class CookieSettings:
    """How the cookies are named and scoped.

    `prefix` is what the better-auth clients look for. With `domain` the cookies reach its
    subdomains, and so cannot have the `__Host-` prefix. `host_prefix=False` keeps
    `__Secure-`, which the cookie reader of the better-auth Next.js middleware expects.
    """

    prefix: str = "better-auth"
    domain: str | None = None
    same_site: SameSite = "lax"
    host_prefix: bool = True

    def __post_init__(self) -> None:
        """Refuse names that a cookie cannot have."""
        if not self.prefix or not set(self.prefix) <= _TOKEN_CHARACTERS:
            raise ConfigurationError(
                "cookies.prefix",
                f"{self.prefix!r} cannot begin a cookie name.",
                "Use letters, digits, '-', '_' and '.'.",
            )
        if self.same_site not in ("lax", "strict", "none"):
            raise ConfigurationError(
                "cookies.same_site",
                f"{self.same_site!r} is not a SameSite value.",
                "Use 'lax', 'strict' or 'none'.",
            )


def age_until(ends_at: int, now: int, *, remembered: bool) -> int | None:
    """Return for how many seconds a browser keeps a cookie, `None` for as long as it runs."""
    return max(0, min(MAX_AGE_S, -(-(ends_at - now) // 1000))) if remembered else None


def documented_name(settings: CookieSettings, base_url: str | None) -> str:
    """Return what the access cookie is called where people use the service: https by default."""
    secure = (base_url or "https://").startswith("https://")
    return CookieTransport(settings, secure=secure).access_name


class CookieTransport:
    """Two cookies: the access credential and, for signed strategies, the refresh token."""

    carrier = Carrier.COOKIE

    def __init__(self, settings: CookieSettings, *, secure: bool, several: bool = False) -> None:
        """Make the transport; `secure=False` is for plain http, which belongs on the loopback.

        With `several` a browser may hold several accounts, and each has a cookie besides.
        """
        if not secure and settings.same_site == "none":
            raise ConfigurationError(
                "cookies.same_site",
                "browsers drop SameSite=None cookies that are not Secure.",
                "Serve over https, or use 'lax' while developing.",
            )
        prefix = ""
        if secure:
            bound = settings.host_prefix and settings.domain is None
            prefix = "__Host-" if bound else "__Secure-"
        self.secure = secure
        self.access_name = f"{prefix}{settings.prefix}.session_token"
        self.refresh_name = f"{prefix}{settings.prefix}.refresh_token"
        self._access, self._refresh = (
            f"{name}=".encode() for name in (self.access_name, self.refresh_name)
        )
        self._wanted = {self.access_name.encode(): "access", self.refresh_name.encode(): "refresh"}
        domain = f"; Domain={settings.domain}" if settings.domain else ""
        security = "; Secure" if secure else ""
        same_site = settings.same_site.capitalize()
        self._attributes = f"{domain}; Path=/; HttpOnly{security}; SameSite={same_site}"
        cache_name = f"{prefix}{settings.prefix}.session_data"
        self.beside = SideCookies(self.access_name, cache_name, self._attributes)
        self._several = several

    def read(self, headers: Headers) -> Presented | Refused | None:
        """Read at most one cookie of each name.

        Two cookies of one name are a sign of tossing from a subdomain and are refused: to
        take the first or the last would let the attacker choose. Names are compared
        exactly, so `__HOST-` variants and nameless cookies are strangers.
        """
        found: dict[str, Secret | None] = {}
        for name, line in headers:
            if name != b"cookie":
                continue
            for pair in line.split(b";"):
                key, equals, value = pair.strip(b" \t").partition(b"=")
                part = self._wanted.get(key) if equals else None
                if part is None:
                    continue
                if part in found:
                    return Refused(Reason.AMBIGUOUS)
                # An empty one is nothing, but still one of the name.
                found[part] = Secret(value.decode("latin-1")) if value else None
        access, refresh = found.get("access"), found.get("refresh")
        if access is None and refresh is None:
            return None
        return Presented(self.carrier, access=access, refresh=refresh)

    def glance(self, line: bytes) -> bytes | None:
        """Return the access credential of the only `Cookie` line, where one look is enough.

        `None` says nothing, `read` decides; and what is returned is what `read` returns.
        """
        before, _, after = line.partition(self._access)
        value, _, rest = after.partition(b";")
        if before and not before.endswith(b"; "):
            return None
        # Another cookie of either name can only stand in what is left.
        if rest and (self._access in rest or rest.count(self._refresh) > 1):
            return None
        if before and self._refresh in before:
            return None
        return (value.rstrip(b" \t") or None) if value.isascii() else None

    def deliver(self, issued: Issued, now: int) -> HeaderLines:
        """Set the cookies; both live as long as the sign-in, the server enforces the rest.

        Without `remembered` they have no age and go with the browser. Raises
        `ConfigurationError` when a token is too large for a browser to keep.
        """
        # The absolute end: a session slides at the server without a new cookie each time.
        ends_at = issued.session.expires_at if issued.session else issued.access_expires_at
        age = age_until(ends_at, now, remembered=issued.remembered)
        lines = [self._cookie(self.access_name, issued.access.reveal(), age)]
        if issued.refresh is not None:
            lines.append(self._cookie(self.refresh_name, issued.refresh.reveal(), age))
        kept = renewing(issued) if self._several else None
        if kept is not None:  # in step with the cookie that renews, in the same response
            lines += self.beside.keep_account(issued.principal.session_id, kept, age)
        return lines

    def withdraw(self) -> HeaderLines:
        """Expire both cookies, with the attributes they were set with."""
        return [self._cookie(self.access_name, "", 0), self._cookie(self.refresh_name, "", 0)]

    def probe(self, suffix: str, age: int) -> tuple[bytes, bytes]:
        """Return a cookie of no value with the access cookie's attributes, for a diagnostic."""
        return self._cookie(self.access_name + suffix, "1", age)

    def _cookie(self, name: str, value: str, age: int | None) -> tuple[bytes, bytes]:
        if len(name) + len(value) > MAX_COOKIE_OCTETS:
            raise ConfigurationError(
                "roles",
                f"the token needs {len(value)} octets, and browsers drop cookies above "
                f"{MAX_COOKIE_OCTETS}.",
                "Give accounts fewer or shorter roles, or use strategy='session'.",
            )
        max_age = "" if age is None else f"; Max-Age={age}"
        return b"set-cookie", f"{name}={value}{max_age}{self._attributes}".encode("latin-1")

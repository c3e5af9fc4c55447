"""The cookie that binds an attempt to the browser that began it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.social.attempt import LIFETIME, is_random

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.transports.cookie import CookieSettings


class BindingCookie:
    """Reads and writes it: HttpOnly, for this host only, and gone after ten minutes.

    Lax, for the provider sends the browser back by a link; None only where the pages are on
    another site and the other cookies have to be so too.
    """

    def __init__(self, settings: CookieSettings, *, secure: bool) -> None:
        """Name it as the other cookies of this service are, with `__Host-` behind https."""
        self.name = f"{'__Host-' if secure else ''}{settings.prefix}.state"
        same_site = "None" if secure and settings.same_site == "none" else "Lax"
        security = "; Secure" if secure else ""
        self._attributes = f"; Path=/; HttpOnly{security}; SameSite={same_site}"

    def read(self, headers: HeaderLines) -> str | None:
        """Return what this browser keeps; `None` for nothing, and for two of the name."""
        wanted, found = self.name.encode(), []
        for name, line in headers:
            if name == b"cookie":
                for pair in line.split(b";"):
                    key, _, value = pair.strip(b" \t").partition(b"=")
                    if key == wanted:
                        found.append(value.decode("latin-1"))
        return found[0] if len(found) == 1 and is_random(found[0]) else None

    def line(self, value: str) -> str:
        """Return the `Set-Cookie` line that keeps a value."""
        return f"{self.name}={value}; Max-Age={LIFETIME // 1000}{self._attributes}"

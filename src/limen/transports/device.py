"""The cookie by which a browser is known to an account. It never says who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines, Headers
    from limen.transports.cookie import CookieSettings


class DeviceCookie:
    """Reads and writes it: HttpOnly, and for this host only even where the others have a domain.

    Lax at least, so that it is there after a link from elsewhere; None only where the pages
    are on another site and the other cookies have to be so too.
    """

    def __init__(self, settings: CookieSettings, *, secure: bool) -> None:
        """Name it as the other cookies are, with `__Host-` behind https."""
        self.name = f"{'__Host-' if secure else ''}{settings.prefix}.device"
        same_site = "None" if secure and settings.same_site == "none" else "Lax"
        security = "; Secure" if secure else ""
        self._attributes = f"; Path=/; HttpOnly{security}; SameSite={same_site}"

    def read(self, headers: Headers) -> str | None:
        """Return what this browser keeps; `None` for nothing, and for two of the name."""
        wanted, found = self.name.encode(), []
        for name, line in headers:
            if name == b"cookie":
                for pair in line.split(b";"):
                    key, _, value = pair.strip(b" \t").partition(b"=")
                    if key == wanted:
                        found.append(value.decode("latin-1"))
        return found[0] if len(found) == 1 else None

    def lines(self, value: str, age: int | None) -> HeaderLines:
        """Return what keeps a value for `age` seconds, `None` for as long as the browser runs."""
        kept = "" if age is None else f"; Max-Age={age}"
        return [(b"set-cookie", f"{self.name}={value}{kept}{self._attributes}".encode("latin-1"))]

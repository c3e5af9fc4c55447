"""A cookie beside the credential, for one host: it never says who somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.transports.base import Headers
    from limen.transports.cookie import CookieSettings


class HostCookie:
    """Reads and writes it: HttpOnly, and for this host only even where the others have a domain.

    Lax at least, so that it is there after a link from elsewhere; None only where the pages
    are on another site and the other cookies have to be so too.
    """

    def __init__(self, name: str, settings: CookieSettings, *, secure: bool) -> None:
        """Name it as the other cookies are, with `__Host-` behind https."""
        self.name = f"{'__Host-' if secure else ''}{settings.prefix}.{name}"
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

    def line(self, value: str, age: int | None) -> str:
        """Return the `Set-Cookie` line that keeps a value for `age` seconds.

        `None` is for as long as the browser runs.
        """
        kept = "" if age is None else f"; Max-Age={age}"
        return f"{self.name}={value}{kept}{self._attributes}"

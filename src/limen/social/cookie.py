"""The cookie that binds an attempt to the browser that began it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.social.attempt import LIFETIME, is_random
from limen.transports.host_cookie import HostCookie

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.transports.cookie import CookieSettings


class BindingCookie:
    """Reads and writes it; it is gone after ten minutes."""

    def __init__(self, settings: CookieSettings, *, secure: bool) -> None:
        """Make the cookie of this service."""
        self._cookie = HostCookie("state", settings, secure=secure)
        self.name = self._cookie.name

    def read(self, headers: HeaderLines) -> str | None:
        """Return what this browser keeps; `None` for nothing, and for what is not ours."""
        kept = self._cookie.read(headers)
        return kept if kept is not None and is_random(kept) else None

    def line(self, value: str) -> str:
        """Return the `Set-Cookie` line that keeps a value."""
        return self._cookie.line(value, LIFETIME // 1000)

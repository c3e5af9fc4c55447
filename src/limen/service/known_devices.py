"""The cookie by which a browser is known to the accounts that signed in with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.transports.host_cookie import HostCookie

if TYPE_CHECKING:
    from limen.account import Account
    from limen.service.visit import Visit


def kept_by(visit: Visit) -> str | None:
    """Return what this browser keeps; whoever has no cookies is a stranger."""
    return _cookie(visit).read(visit.request_auth.headers)


async def know(visit: Visit, account: Account | None, *, remembered: bool = True) -> None:
    """Make this browser known to an account that it is signed in to.

    A client without a cookie jar gets none; then its sign-in is that of a new device.
    Without `remembered` the cookie goes when the browser closes.
    """
    if account is None:
        return
    device = await visit.auth.know_device(account, kept_by(visit), client=visit.client)
    if device is None or visit.keeps_no_cookies:
        return
    age = round(visit.auth.settings.device_lifetime) if remembered else None
    line = _cookie(visit).line(device.kept, age)
    visit.request_auth.put([(b"set-cookie", line.encode("latin-1"))])


def _cookie(visit: Visit) -> HostCookie:
    secure = visit.request_auth.cookies.secure
    return HostCookie("device", visit.auth.settings.cookies, secure=secure)

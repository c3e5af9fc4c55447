"""Whether an answer may tell the browser to come by https alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.transports.origin import is_loopback

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.web.request import RequestAuth


def always_secure(request: RequestAuth) -> HeaderLines:
    """Return the line that says so, where the address is public and https.

    A developer's machine has other services under the same name.
    """
    settings = request.auth.settings
    own = settings.base_url or request.own_origin
    public = own.startswith("https://") and not is_loopback(own)
    return settings.browser.always_secure() if public else ()

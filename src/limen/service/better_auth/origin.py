"""Where a request may come from, and where it may send the browser afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.service.better_auth.wire import (
    INVALID_CALLBACK_URL,
    INVALID_ERROR_URL,
    INVALID_NEW_USER_URL,
    INVALID_ORIGIN,
    INVALID_REDIRECT_URL,
    MISSING_ORIGIN,
    NAVIGATION_BLOCKED,
    Answer,
    Problem,
)
from limen.transports.origin import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.service.better_auth.endpoint import Call

_METADATA = (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest")
# Member of the body, what the messages call it, and the refusal.
_TARGETS = (
    ("callbackURL", "callbackURL", INVALID_CALLBACK_URL),
    ("redirectTo", "redirectURL", INVALID_REDIRECT_URL),
    ("errorCallbackURL", "errorCallbackURL", INVALID_ERROR_URL),
    ("newUserCallbackURL", "newUserCallbackURL", INVALID_NEW_USER_URL),
)


def refusal_of_origin(call: Call) -> Answer | None:
    """Refuse a change that a foreign page asks for with somebody's cookies (ASVS 3.5.1).

    Any cookie counts, not only ours. Code that adds an `Authorization` header and sends no
    cookie is not a page that abuses a browser, and is not checked.
    """
    if not _carries_cookie(call):
        return None
    return _judged(call.request_auth.provenance())


def refusal_of_form(call: Call) -> Answer | None:
    """Refuse a sign-in that a foreign page submits: it would sign the person in as another.

    There is no cookie yet, so what a browser says of the request decides. A client that is
    no browser says nothing and may pass, as may one that only a program can be.
    """
    if _carries_cookie(call):
        return None  # judged above
    site, mode, destination = (call.header(name).lower() for name in _METADATA)
    if site == "cross-site" and mode == "navigate":
        return NAVIGATION_BLOCKED.answer()
    if _is_program(call):
        return None
    if site or mode or destination or call.header(b"origin") or call.header(b"referer"):
        return _judged(call.request_auth.provenance())
    return None


def _is_program(call: Call) -> bool:
    """Tell whether a request that names no origin cannot be a page's.

    A page must ask first to send this header elsewhere (Fetch, CORS-preflight), and then its
    browser names the page's origin. `Sec-Fetch-Site` is a browser's alone: the `fetch` of
    Node.js sends only the mode.
    """
    stated = any(call.header(name) for name in (b"origin", b"referer", b"sec-fetch-site"))
    return not stated and call.wants_bearer


def refusal_of_target(call: Call, body: object) -> Answer | None:
    """Refuse a redirect to anywhere but a path of ours or a trusted origin."""
    members: Mapping[str, object] = body if isinstance(body, dict) else {}
    for member, label, problem in _TARGETS:
        target = members.get(member)
        if not target and member == "callbackURL":
            target = call.query.get(member)
        if not target:
            continue
        if not isinstance(target, str):
            return Problem(400, None, f"Invalid {label}: expected a string").answer()
        if not call.request_auth.trusts_target(target):
            return problem.answer()
    return None


def _judged(provenance: Provenance) -> Answer | None:
    match provenance:
        case Provenance.TRUSTED:
            return None
        case Provenance.MISSING:
            return MISSING_ORIGIN.answer()
        case Provenance.FOREIGN:
            return INVALID_ORIGIN.answer()


def _carries_cookie(call: Call) -> bool:
    return any(name == b"cookie" for name, _ in call.request_auth.headers)

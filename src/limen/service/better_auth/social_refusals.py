"""How a failure at a provider is told to a page that waits for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.service.better_auth import wire
from limen.service.better_auth.wire import Problem
from limen.social.failure import Failure

if TYPE_CHECKING:
    from limen.service.better_auth.wire import Answer

# What a provider may send back; nothing else goes on from a form into an address.
RETURNED: Final = ("code", "state", "error", "iss", "user")
_SIGN_IN_PROBLEMS: Final[dict[str, Problem]] = {
    Failure.NO_PROFILE: wire.INVALID_ID_TOKEN,
    Failure.UNREACHABLE: wire.PROVIDER_UNREACHABLE,
    Failure.EMAIL_MISSING: wire.NO_USER_EMAIL,
    Failure.EMAIL_UNVERIFIED: wire.EMAIL_NOT_VERIFIED,
    Failure.TOO_MANY_SESSIONS: wire.TOO_MANY_SESSIONS,
}
_LINK_PROBLEMS: Final[dict[str, Problem]] = {
    **_SIGN_IN_PROBLEMS,
    Failure.IDENTITY_TAKEN: wire.IDENTITY_TAKEN,
    Failure.EMAIL_DIFFERS: wire.EMAILS_DIFFER,
    Failure.NOT_FRESH: wire.SESSION_NOT_FRESH,
}
SIGN_IN_PROBLEMS: Final = (
    wire.PROVIDER_NOT_FOUND,
    wire.ID_TOKEN_NOT_SUPPORTED,
    wire.LINK_ERROR,
    *_SIGN_IN_PROBLEMS.values(),
)
LINK_PROBLEMS: Final = (
    wire.PROVIDER_NOT_FOUND,
    wire.ID_TOKEN_NOT_SUPPORTED,
    wire.LINKING_FAILED,
    *_LINK_PROBLEMS.values(),
)


def refusal_of_sign_in(code: str) -> Answer:
    """Answer to a sign-in by ID token that did not work."""
    told = Problem(401, wire.LINK_ERROR.code, code.replace("_", " "))
    return _SIGN_IN_PROBLEMS.get(code, told).answer()


def refusal_of_link(code: str) -> Answer:
    """Answer to a link by ID token that did not work."""
    return _LINK_PROBLEMS.get(code, wire.LINKING_FAILED).answer()

"""From a verdict to what a client is told, for any framework: status, text and headers.

The reason stays on the server. Whoever is refused learns whether to sign in, to wait or to
go away, and every refused credential is told the same (ASVS 6.3.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.verdict import Absent


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that refuses: status, the text for the client, extra headers."""

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


# RFC 6750 section 3.1; RFC 9110 section 15.5.2 requires the header with every 401.
_ABSENT = Refusal(401, "Not signed in", {"WWW-Authenticate": "Bearer"})
_INVALID = Refusal(
    401,
    "The credential is not valid",
    {"WWW-Authenticate": 'Bearer error="invalid_token"'},
)
_FOREIGN = Refusal(
    403,
    "A cookie acts only with an Origin header of ours or in trusted_origins; scripts send "
    "Authorization: Bearer instead",
)
STORE_DOWN = Refusal(503, "Sign-in is unavailable, try again shortly", {"Retry-After": "1"})
_FORBIDDEN = Refusal(
    403,
    "Not allowed",
    {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
)


def refusal_of(verdict: Absent | Refused) -> Refusal:
    """Return the answer for a request without an accepted credential."""
    if not isinstance(verdict, Refused):
        return _ABSENT
    if verdict.reason is Reason.CROSS_ORIGIN:
        return _FOREIGN
    if verdict.reason is Reason.THROTTLED:
        wait = str(verdict.retry_after or 1)
        return Refusal(429, "Too many attempts", {"Retry-After": wait})
    return _INVALID


def forbidden() -> Refusal:
    """Return the answer for somebody who is known and may not."""
    return _FORBIDDEN


def overloaded(retry_after: int) -> Refusal:
    """Return the answer while too many passwords wait to be hashed."""
    return Refusal(503, "Too many sign-ins at once", {"Retry-After": str(retry_after)})

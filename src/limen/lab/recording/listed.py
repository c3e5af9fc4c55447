"""What the Lab may read of the wire, by name: header fields, members of bodies, claims.

A name that is not here is counted and its value is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from limen.evidence import CredentialKind

HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "host",
        "origin",
        "retry-after",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "vary",
        "www-authenticate",
        "x-lab-client",
        "x-lab-request",
        "x-limen-carrier",
        "x-content-type-options",
    }
)
SCHEMES: Final = frozenset({"basic", "bearer", "dpop"})
COOKIES: Final = ("session_token", "refresh_token")  # how their names end
ATTRIBUTES: Final = frozenset(
    {
        "domain",
        "expires",
        "httponly",
        "max-age",
        "partitioned",
        "path",
        "priority",
        "samesite",
        "secure",
    }
)
MEMBERS: Final = frozenset(
    {
        "account",
        "code",
        "createdAt",
        "emailVerified",
        "expiresAt",
        "id",
        "keys",
        "message",
        "of",
        "orders",
        "revokeOtherSessions",
        "redirect",
        "roles",
        "status",
        "success",
        "updatedAt",
    }
)
PERSONAL_MEMBERS: Final = frozenset({"email", "name"})
CREDENTIALS: Final[Mapping[str, CredentialKind]] = {
    "token": "token",
    "refreshToken": "refresh",
    "password": "password",
    "newPassword": "password",
    "currentPassword": "password",
}
CLAIMS: Final = frozenset(
    {
        "alg",
        "amr",
        "aud",
        "auth_time",
        "client_id",
        "exp",
        "iat",
        "iat_ms",
        "iss",
        "jti",
        "kid",
        "nbf",
        "roles",
        "scope",
        "sid",
        "sub",
        "typ",
    }
)

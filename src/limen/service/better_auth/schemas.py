"""The JSON schemas of what is answered (OpenAPI 3.1, which is JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_DATE: Final = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


COMPONENTS: Final[dict[str, Any]] = {
    "User": _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "email": _TEXT,
            "emailVerified": _FLAG,
            "image": {"type": ["string", "null"]},
            "createdAt": _DATE,
            "updatedAt": _DATE,
        },
        # Present where `usernames` is enabled.
        {
            "username": {"type": ["string", "null"]},
            "displayUsername": {"type": ["string", "null"]},
        },
    ),
    "Subject": {
        **_object({"id": _TEXT}),
        "description": "A user whose account this service does not keep.",
    },
    "Session": {
        **_object(
            {
                "id": _TEXT,
                "token": {**_TEXT, "description": "The handle again. It opens nothing."},
                "userId": _TEXT,
                "expiresAt": {**_DATE, "description": "The end if nobody uses the session."},
                "createdAt": _DATE,
                "updatedAt": {**_DATE, "description": "The last use."},
                "ipAddress": {"type": ["string", "null"]},
                "userAgent": {"type": ["string", "null"]},
            }
        ),
        "description": "And what `session_fields` declares, null where nothing was set.",
    },
    "Error": {
        **_object({"message": _TEXT}, {"code": _TEXT}),
        "description": "What was refused. A few refusals have no code.",
    },
}

STATUS: Final = _object({"status": {"const": True}})
STATUS_AND_MESSAGE: Final = _object({"status": {"const": True}, "message": _TEXT})
# Of what can be used only with a proof of the key that it is bound to.
_BOUND: Final = {"tokenType": {"const": "DPoP"}}
SUCCESS: Final = _object({"success": {"const": True}})
SUCCESS_AND_MESSAGE: Final = _object({"success": {"const": True}, "message": _TEXT})
AVAILABLE: Final = _object({"available": _FLAG})
OK: Final = _object({"ok": {"const": True}})
TOKEN: Final = _object({"token": _TEXT}, _BOUND)
SESSIONS: Final = {"type": "array", "items": _named("Session")}
KEY_SET: Final = _object(
    {
        "keys": {
            "type": "array",
            "items": _object({"kty": _TEXT, "kid": _TEXT, "alg": _TEXT}),
        }
    }
)
# Present when the client asked for `x-limen-carrier: bearer`.
_KEPT_BY_CLIENT: Final = {"refreshToken": _TEXT, "expiresAt": _DATE, **_BOUND}
SIGNED_UP: Final = _object(
    {
        "token": {
            "type": ["string", "null"],
            "description": "Null where the address has to be verified first.",
        },
        "user": _named("User"),
    },
    _KEPT_BY_CLIENT,
)
EMAIL_VERIFIED: Final = _object(
    {"status": {"const": True}},
    {"user": {"anyOf": [_named("User"), {"type": "null"}]}},
)
SESSION_UPDATED: Final = _object({"session": _named("Session")})
SIGNED_IN: Final = _object(
    {"redirect": _FLAG, "token": _TEXT, "user": _named("User")},
    {"url": _TEXT, **_KEPT_BY_CLIENT},
)
PASSWORD_CHANGED: Final = _object(
    {"token": {"type": ["string", "null"]}, "user": _named("User")}, _KEPT_BY_CLIENT
)
REFRESHED: Final = _object(
    {
        "token": {
            "type": ["string", "null"],
            "description": "Null when the credentials travel in cookies.",
        },
        "expiresAt": _DATE,
    },
    {"refreshToken": _TEXT, **_BOUND},
)
SIGNED_IN_NOW: Final = _object(
    {"session": _named("Session"), "user": {"anyOf": [_named("User"), _named("Subject")]}}
)
SESSION_AND_USER: Final = {
    "oneOf": [
        {"type": "null", "description": "Nobody is signed in."},
        _object(
            {
                "session": _named("Session"),
                "user": {"anyOf": [_named("User"), _named("Subject")]},
            },
            {"needsRefresh": {"const": True, "description": "POST here before long."}},
        ),
    ]
}
# Sent on to a provider, or signed in by an ID token at once.
SOCIAL: Final = _object(
    {"redirect": _FLAG}, {"url": _TEXT, "token": _TEXT, "user": _named("User"), **_KEPT_BY_CLIENT}
)
LINKED: Final = _object({"redirect": _FLAG, "url": _TEXT}, {"status": {"const": True}})
IDENTITIES: Final = {
    "type": "array",
    "items": _object(
        {
            "id": _TEXT,
            "issuer": _TEXT,
            "accountId": _TEXT,
            "providerId": _TEXT,
            "userId": _TEXT,
            "scopes": {"type": "array", "items": _TEXT},
            "createdAt": _DATE,
            "updatedAt": _DATE,
        }
    ),
}
PROVIDER_TOKENS: Final = _object(
    {"accessToken": _TEXT},
    {
        "accessTokenExpiresAt": _DATE,
        "scopes": {"type": "array", "items": _TEXT},
        "scope": _TEXT,
        "idToken": _TEXT,
        "refreshToken": _TEXT,
        "providerId": _TEXT,
        "accountId": _TEXT,
    },
)
ACCOUNT_INFO: Final = _object(
    {
        "user": _object({"id": _TEXT, "name": _TEXT, "emailVerified": _FLAG}, {"email": _TEXT}),
        "data": {"type": "object"},
        "account": _object({"id": _TEXT, "providerId": _TEXT, "accountId": _TEXT}),
    }
)
DOCUMENT: Final = {"type": "object"}
PAGE: Final = _TEXT

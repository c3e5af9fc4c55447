"""The JSON of the better-auth wire: users, sessions, dates and the table of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limen.service.answer import JSON_TYPE, Answer, HeaderPairs, date, json_answer

if TYPE_CHECKING:
    from limen.account import Account, Identity
    from limen.principal import Principal
    from limen.session import Session

# Taken over from the wire-neutral part, so that a handler has one place to ask.
__all__ = ["JSON_TYPE", "Answer", "HeaderPairs", "date", "json_answer"]

NOT_FOUND = Answer(404)


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal that the protocol names. Some have no code, as on the wire."""

    status: int
    code: str | None
    message: str

    def answer(self, headers: HeaderPairs = ()) -> Answer:
        """Answer with the message first and the code second."""
        value = {"message": self.message}
        if self.code is not None:
            value["code"] = self.code
        return json_answer(value, self.status, headers)


# -- what a body may be refused for
INVALID_JSON = Problem(400, "BAD_REQUEST", "Invalid JSON in request body")
INVALID_FORM = Problem(400, "BAD_REQUEST", "Invalid form in request body")
INVALID_QUERY = Problem(400, "BAD_REQUEST", "Invalid query")
VALIDATION_ERROR = Problem(400, "VALIDATION_ERROR", "Validation Error")
PAYLOAD_TOO_LARGE = Problem(413, "PAYLOAD_TOO_LARGE", "Request body is too large")
UNSUPPORTED_MEDIA_TYPE = Problem(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not allowed")
NO_FIELDS = Problem(400, None, "No fields to update")
NOT_AN_OBJECT = Problem(400, "BODY_MUST_BE_AN_OBJECT", "Body must be an object")
FIELD_NOT_ALLOWED = Problem(400, "FIELD_NOT_ALLOWED", "Field not allowed to be set")
# -- where a request may come from and lead to
MISSING_ORIGIN = Problem(403, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin")
INVALID_ORIGIN = Problem(403, "INVALID_ORIGIN", "Invalid origin")
NAVIGATION_BLOCKED = Problem(
    403,
    "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
    "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
)
INVALID_CALLBACK_URL = Problem(403, "INVALID_CALLBACK_URL", "Invalid callbackURL")
INVALID_REDIRECT_URL = Problem(403, "INVALID_REDIRECT_URL", "Invalid redirectURL")
INVALID_ERROR_URL = Problem(403, "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL")
INVALID_NEW_USER_URL = Problem(403, "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL")
# -- who asks
UNAUTHORIZED = Problem(401, "UNAUTHORIZED", "Unauthorized")
INVALID_PROOF = Problem(401, "INVALID_DPOP_PROOF", "Invalid DPoP proof")
NONCE_NEEDED = Problem(401, "USE_DPOP_NONCE", "The DPoP proof needs the nonce of this answer")
TOO_MANY_REQUESTS = Problem(429, None, "Too many requests. Please try again later.")
# -- accounts
INVALID_EMAIL = Problem(400, "INVALID_EMAIL", "Invalid email")
INVALID_EMAIL_OR_PASSWORD = Problem(401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password")
INVALID_PASSWORD = Problem(400, "INVALID_PASSWORD", "Invalid password")
PASSWORD_TOO_SHORT = Problem(400, "PASSWORD_TOO_SHORT", "Password too short")
PASSWORD_TOO_LONG = Problem(400, "PASSWORD_TOO_LONG", "Password too long")
PASSWORD_TOO_COMMON = Problem(400, "PASSWORD_TOO_COMMON", "Password is too common")
PASSWORD_BREACHED = Problem(
    400, "PASSWORD_COMPROMISED", "Password is known from a breach. Please choose another one."
)
USER_EXISTS = Problem(
    422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email."
)
USER_NOT_FOUND = Problem(400, "USER_NOT_FOUND", "User not found")
EMAIL_IS_FIXED = Problem(400, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated")
INVALID_SESSION_TOKEN = Problem(401, "INVALID_SESSION_TOKEN", "Invalid session token")
SESSION_NOT_CREATED = Problem(401, "FAILED_TO_CREATE_SESSION", "Failed to create session")
TOO_MANY_SESSIONS = Problem(
    409, "TOO_MANY_SESSIONS", "Signed in on too many devices. Sign out on one of them first."
)
SESSION_NOT_FOUND = Problem(401, "FAILED_TO_GET_SESSION", "Failed to get session")
# -- letters, and changes that need a proof
INVALID_TOKEN = Problem(400, "INVALID_TOKEN", "Invalid token")
EMAIL_MISMATCH = Problem(400, "EMAIL_MISMATCH", "Email mismatch")
EMAIL_IS_VERIFIED = Problem(400, "EMAIL_ALREADY_VERIFIED", "Email is already verified")
EMAIL_NOT_VERIFIED = Problem(403, "EMAIL_NOT_VERIFIED", "Email not verified")
EMAIL_IS_SAME = Problem(400, None, "Email is the same")
CHANGE_EMAIL_DISABLED = Problem(400, "CHANGE_EMAIL_DISABLED", "Change email is disabled")
NO_PASSWORD = Problem(400, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found")
SESSION_EXPIRED = Problem(
    400, "SESSION_EXPIRED", "Session expired. Re-authenticate to perform this action."
)
SESSION_NOT_FRESH = Problem(403, "SESSION_NOT_FRESH", "Session is not fresh")
DELETION_OFF = Problem(404, "NOT_FOUND", "Not found")
USER_INFO_NOT_FOUND = Problem(404, "FAILED_TO_GET_USER_INFO", "Failed to get user info")
DELETION_TOKEN = Problem(404, "INVALID_TOKEN", "Invalid token")
# -- usernames; the same codes are 422 where one is asked about and 400 where one is set
WRONG_USERNAME = Problem(401, "INVALID_USERNAME_OR_PASSWORD", "Invalid username or password")
USERNAME_TOO_SHORT = Problem(422, "USERNAME_TOO_SHORT", "Username is too short")
USERNAME_TOO_LONG = Problem(422, "USERNAME_TOO_LONG", "Username is too long")
INVALID_USERNAME = Problem(422, "INVALID_USERNAME", "Username is invalid")
INVALID_DISPLAY = Problem(400, "INVALID_DISPLAY_USERNAME", "Display username is invalid")
USERNAME_TAKEN = Problem(
    400, "USERNAME_IS_ALREADY_TAKEN", "Username is already taken. Please try another."
)
# -- identity providers
PROVIDER_NOT_FOUND = Problem(404, "PROVIDER_NOT_FOUND", "Provider not found")
ID_TOKEN_NOT_SUPPORTED = Problem(404, "ID_TOKEN_NOT_SUPPORTED", "id_token not supported")
INVALID_ID_TOKEN = Problem(401, "INVALID_TOKEN", "Invalid token")
NO_USER_INFO = Problem(401, "FAILED_TO_GET_USER_INFO", "Failed to get user info")
NO_USER_EMAIL = Problem(401, "USER_EMAIL_NOT_FOUND", "User email not found")
LINK_ERROR = Problem(401, "OAUTH_LINK_ERROR", "account not linked")
IDENTITY_TAKEN = Problem(409, "SOCIAL_ACCOUNT_ALREADY_LINKED", "Social account already linked")
EMAILS_DIFFER = Problem(
    401,
    "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
    "Account not linked - different emails not allowed",
)
LINKING_FAILED = Problem(417, "LINKING_FAILED", "Account not linked - unable to create account")
PROVIDER_UNREACHABLE = Problem(502, "PROVIDER_UNREACHABLE", "The provider does not answer")
LAST_ACCOUNT = Problem(400, "FAILED_TO_UNLINK_LAST_ACCOUNT", "You can't unlink your last account")
ACCOUNT_NOT_FOUND = Problem(400, "ACCOUNT_NOT_FOUND", "Account not found")
PROVIDER_NOT_SUPPORTED = Problem(400, "PROVIDER_NOT_SUPPORTED", "Provider is not supported.")
PROVIDER_NOT_CONFIGURED = Problem(
    400,
    "PROVIDER_NOT_CONFIGURED",
    "Account is not associated with a configured social provider.",
)
NO_REFRESH_TOKEN = Problem(400, "REFRESH_TOKEN_NOT_FOUND", "Refresh token not found")
NO_ACCESS_TOKEN = Problem(400, "ACCESS_TOKEN_NOT_FOUND", "Access token not found")
ACCESS_TOKEN_FAILED = Problem(
    400, "FAILED_TO_GET_ACCESS_TOKEN", "Failed to get a valid access token"
)
REFRESH_FAILED = Problem(400, "FAILED_TO_REFRESH_ACCESS_TOKEN", "Failed to refresh access token")


def exposed(name: str, value: str) -> HeaderPairs:
    """Return a header that a page of another, trusted origin may read (Fetch section 3.3.3)."""
    return ((name, value), ("Access-Control-Expose-Headers", name))


def too_many_requests(wait: int) -> Answer:
    """Answer 429; `wait` is in seconds and stands in the standard header too."""
    return TOO_MANY_REQUESTS.answer((("X-Retry-After", str(wait)), ("Retry-After", str(wait))))


def method_not_allowed(methods: Iterable[str]) -> Answer:
    """Answer 405 and name the methods that there are (RFC 9110 section 15.5.6)."""
    return Answer(405, headers=(("Allow", ", ".join(sorted(methods))),))


def user_of(account: Account, *, usernames: bool = False) -> dict[str, Any]:
    """Return the `user` object of an account; with `usernames` it has one, be it null."""
    names = {"username": account.username, "displayUsername": account.display_username}
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "emailVerified": account.email_verified,
        "image": account.image,
        "createdAt": date(account.created_at),
        "updatedAt": date(account.updated_at),
        **(names if usernames else {}),
    }


def identity_of(identity: Identity) -> dict[str, Any]:
    """Return what a list of accounts says of one thing that an account signs in with."""
    return {
        "id": identity.id,
        "issuer": identity.issuer,
        "accountId": identity.subject,
        "providerId": identity.provider,
        "userId": identity.account_id,
        "scopes": list(identity.scopes),
        "createdAt": date(identity.created_at),
        "updatedAt": date(identity.updated_at),
    }


def session_of(session: Session, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return the `session` object. Its `token` is the handle and opens nothing.

    `declared` names what the application keeps with each session.
    """
    kept = json.loads(session.fields)
    return {
        "id": session.id,
        "token": session.id,
        "userId": session.subject,
        "expiresAt": date(session.ends_at),
        "createdAt": date(session.created_at),
        "updatedAt": date(session.used_at),
        "ipAddress": session.client.address,
        "userAgent": session.client.user_agent,
        **{name: kept.get(name) for name in declared},
    }


def session_of_principal(principal: Principal, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return the `session` object where nothing is stored: what the token itself says."""
    return {
        "id": principal.session_id,
        "token": principal.session_id,
        "userId": principal.subject,
        "expiresAt": date(principal.expires_at),
        "createdAt": date(principal.authenticated_at),
        "updatedAt": date(principal.authenticated_at),
        "ipAddress": None,
        "userAgent": None,
        **dict.fromkeys(declared),
    }

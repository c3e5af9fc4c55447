"""The three answers to "who is this?", and why a refusal was refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from limen.principal import Principal
    from limen.secret import Secret
    from limen.session import Session


@unique
class Reason(StrEnum):
    """Why something was refused: for traces, logs and the operator, never for the client.

    The set is closed. `limen.web.refusal` says what a client may know of each.
    """

    # what was presented is not a credential of ours
    MALFORMED = "malformed"
    AMBIGUOUS = "ambiguous"
    UNRECOGNISED = "unrecognised"
    # a signed token failed a check
    UNSUPPORTED_HEADER = "unsupported_header"
    WRONG_ALGORITHM = "wrong_algorithm"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    BAD_CLAIMS = "bad_claims"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    NOT_YET_VALID = "not_yet_valid"
    LIVES_TOO_LONG = "lives_too_long"
    EXPIRED = "expired"
    # the server no longer means it
    UNKNOWN_SESSION = "unknown_session"
    IDLE = "idle"
    ENDED = "ended"
    REVOKED = "revoked"
    ACCOUNT_DISABLED = "account_disabled"
    REPLAYED = "replayed"
    SUPERSEDED = "superseded"
    TOO_MANY_SESSIONS = "too_many_sessions"
    # a credential is bound to a key, and the client has to prove that it holds it
    BAD_PROOF = "bad_proof"
    PROOF_REPLAYED = "proof_replayed"
    NONCE_NEEDED = "nonce_needed"
    UNPROVEN = "unproven"
    NOT_BOUND = "not_bound"
    # the request may not do this
    CROSS_ORIGIN = "cross_origin"
    THROTTLED = "throttled"
    # proving and choosing a password
    BAD_CREDENTIALS = "bad_credentials"
    ACCOUNT_CHANGED = "account_changed"
    UNKNOWN_ACCOUNT = "unknown_account"
    EMAIL_TAKEN = "email_taken"
    PASSWORD_TOO_SHORT = "password_too_short"
    PASSWORD_TOO_LONG = "password_too_long"
    PASSWORD_TOO_COMMON = "password_too_common"
    PASSWORD_BREACHED = "password_breached"
    # signing in by an identity provider
    NOT_LINKED = "not_linked"
    SIGN_UP_DISABLED = "sign_up_disabled"
    NO_EMAIL = "no_email"
    EMAIL_UNVERIFIED = "email_unverified"
    EMAIL_DIFFERS = "email_differs"
    IDENTITY_TAKEN = "identity_taken"
    UNKNOWN_IDENTITY = "unknown_identity"
    LAST_IDENTITY = "last_identity"
    NOT_FRESH = "not_fresh"
    TOO_WEAK = "too_weak"
    # letters, and what a person changes about their account
    INVALID_LINK = "invalid_link"
    NO_PASSWORD = "no_password"
    USERNAME_TAKEN = "username_taken"
    USERNAME_TOO_SHORT = "username_too_short"
    USERNAME_TOO_LONG = "username_too_long"
    USERNAME_INVALID = "username_invalid"


# What has no shape of ours, and so may be a credential of another server.
NOT_OURS: Final = frozenset(
    {
        Reason.UNRECOGNISED,
        Reason.MALFORMED,
        Reason.UNSUPPORTED_HEADER,
        Reason.WRONG_ALGORITHM,
    }
)
# No credential of ours is refused for these, whatever became of it: somebody made it up.
NEVER_ISSUED: Final = NOT_OURS | {
    Reason.WRONG_TYPE,
    Reason.UNKNOWN_KEY,
    Reason.BAD_SIGNATURE,
    Reason.BAD_CLAIMS,
    Reason.WRONG_ISSUER,
    Reason.WRONG_AUDIENCE,
    Reason.LIVES_TOO_LONG,
}


@dataclass(frozen=True, slots=True)
class Absent:
    """No credential was presented: the request is anonymous."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A credential was presented and is not accepted.

    `retry_after` is in seconds and set for `Reason.THROTTLED` only.
    """

    reason: Reason
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The credential is accepted, and this is who the request acts for."""

    principal: Principal


Verdict: TypeAlias = Absent | Refused | Authenticated


@dataclass(frozen=True, slots=True)
class Issued:
    """What the client must hold from now on.

    `access` is what it presents on each request, `refresh` what it trades for the next
    one (signed strategies only). Ends are in milliseconds. `session` is `None` only where
    nothing is stored (`jwt` with `refresh=None`). `remembered` is false when the person
    asked to be forgotten when the browser closes.
    """

    principal: Principal
    access: Secret
    access_expires_at: int
    refresh: Secret | None = None
    refresh_expires_at: int | None = None
    session: Session | None = None
    remembered: bool = True

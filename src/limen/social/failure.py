"""What a sign-in at a provider can fail with, as the code that the front end is sent."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Failure(StrEnum):
    """Why it did not work. The values are those of the better-auth wire where it has one."""

    STATE_MISSING = "state_not_found"
    STATE_WRONG = "state_mismatch"  # another browser's, used before, too old or made up
    BAD_CALLBACK = "invalid_callback_request"
    NO_CODE = "no_code"
    WRONG_ISSUER = "issuer_mismatch"
    ISSUER_MISSING = "issuer_missing"
    CODE_REFUSED = "invalid_code"
    NO_PROFILE = "unable_to_get_user_info"
    UNREACHABLE = "provider_unreachable"
    EMAIL_MISSING = "email_not_found"
    EMAIL_UNVERIFIED = "email_not_verified"
    EMAIL_DIFFERS = "email_does_not_match"
    NOT_LINKED = "account_not_linked"
    IDENTITY_TAKEN = "account_already_linked_to_different_user"
    NOT_FRESH = "session_not_fresh"
    LINK_REFUSED = "unable_to_link_account"
    SIGN_UP_DISABLED = "signup_disabled"
    ACCOUNT_DISABLED = "account_disabled"
    TOO_MANY_SESSIONS = "too_many_sessions"
    DENIED = "access_denied"
    UNKNOWN = "unknown_error"


class SocialFailure(Exception):
    """A sign-in at a provider came to an end. `cause` is for the log and holds no secret."""

    def __init__(self, code: Failure, cause: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause

"""What can go wrong, as opposed to what may be refused.

A refusal (a wrong password, an expired token) is normal traffic and is returned
as a value, see `limen.verdict`. Only faults are exceptions:

    LimenError
    ├── ConfigurationError     a setting is missing, unsafe or contradicts another
    │   └── MigrationNeeded    the database has not the tables this version needs
    ├── InvalidToken           a signed token failed a check; a strategy turns it into a refusal
    ├── StoreUnavailable       the store cannot answer, so the request must be refused (503)
    │   └── UnreadableSession  somebody else changed the row of a session; it is refused (401)
    ├── Overloaded             more passwords wait to be hashed than the queue may hold (503)
    └── LetterRejected         a mail server will never take this letter
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.verdict import Reason


class LimenError(Exception):
    """Root of everything that Limen raises."""


class ConfigurationError(LimenError):
    """A setting is missing, unsafe or contradicts another.

    Nearly always raised at start. Later it means that something was asked for which the
    settings rule out, such as accounts without a database. The text names the setting and
    what to do about it.
    """

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        super().__init__(f"{setting}: {problem} {remedy}")
        self.setting = setting
        self.problem = problem
        self.remedy = remedy


class MigrationNeeded(ConfigurationError):
    """The database is older (or newer) than this version of Limen."""


class InvalidToken(LimenError):
    """A signed token failed a check. Carries the reason, never the token."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class StoreUnavailable(LimenError):
    """The store did not answer. Nothing was accepted and nothing may be assumed."""


class UnreadableSession(StoreUnavailable):
    """The row of one session holds what Limen does not write: somebody else changed it.

    A store raises it; whoever runs a flow refuses the session and tells the audit log.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(f"the row of the session {session_id} holds what Limen does not write")
        self.session_id = session_id


class Overloaded(LimenError):
    """The bounded queue of password hashes is full.

    `retry_after` is in seconds.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"too many passwords are waiting to be hashed; retry after {retry_after} s"
        )
        self.retry_after = retry_after


class LetterRejected(LimenError):
    """A mail server will never take this letter, so it is not tried again."""

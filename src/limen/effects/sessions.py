"""Questions about sessions and their credentials."""

from __future__ import annotations

from dataclasses import dataclass

from limen.effects.asking import Reading, Writing
from limen.session import CredentialCount, Opened, Session, SessionLimit, Standing
from limen.verdict import Reason


@dataclass(frozen=True, slots=True)
class OpenSession(Writing[Opened | Reason]):
    """Keep a new session with the digests of its credentials.

    The store raises `created_at` to the latest not-before of the subject, so that "sign out
    everywhere, then sign in" within one millisecond works. Nothing is written, and the answer
    says why, if the account is disabled or its revision is not `revision`
    (`ACCOUNT_CHANGED`; `None` skips that check: Limen does not keep the account).

    `replaces` is the handle of a live session of the same subject that this one continues: it
    ends with all its credentials, and what the application kept with it goes over;
    `UNKNOWN_SESSION` if there is none. With a `limit` the subject never has more live sessions
    than that, however many begin at once; `TOO_MANY_SESSIONS` where none may give way. Whatever
    ends is logged for `horizon` milliseconds. `session.used_at` is the time of all this.
    """

    session: Session
    revision: int | None
    reference: bytes | None = None
    refresh: bytes | None = None
    replaces: str | None = None
    limit: SessionLimit | None = None
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class AttachCredential(Writing[Standing | None]):
    """Give a living session one more credential, of the strategy that it moves to if any.

    Without digests it records that a token is signed for the session at `now`, so that a
    revocation which waits for this moment covers the token.

    That is a use of the session, so `used_at` moves as well.
    `None`, and nothing written, if the session is gone. Other credentials stay valid. The
    answer's `created_at` is raised as `OpenSession` raises it, for the token signed next.
    """

    session_id: str
    strategy: str | None
    now: int
    reference: bytes | None = None
    refresh: bytes | None = None


@dataclass(frozen=True, slots=True)
class FindSession(Reading[Standing | None]):
    """Find a session by the digest of a reference credential, or by its handle."""

    digest: bytes | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class TouchSession(Writing[bool]):
    """Record a use if the session still exists. Never an upsert: it must not revive one."""

    id: str
    used_at: int


@dataclass(frozen=True, slots=True)
class ListSessions(Reading[tuple[Session, ...]]):
    """Return the sessions of one account that have not ended at `now`, newest first."""

    subject: str
    now: int


@dataclass(frozen=True, slots=True)
class SetSessionFields(Writing[Session | None]):
    """Replace what the application keeps with a living session; `None` if it is gone.

    `fields` is a JSON object. Like `TouchSession` it never revives one.
    """

    id: str
    fields: str


@dataclass(frozen=True, slots=True)
class CountCredentials(Reading[tuple[CredentialCount, ...]]):
    """Count the sessions that have not ended at `now`, and their credentials.

    One snapshot, in the order of strategy and kind; what has none is left out. A session is
    `recent` if it began or was used after `recent_since`, and `unused` if it was not used
    after `unused_since`.
    """

    now: int
    recent_since: int
    unused_since: int

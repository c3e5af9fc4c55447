"""Every question a flow may ask of the world: the whole contract with stores and drivers.

A flow is a plain generator. It yields an `Effect` and receives its answer, or yields what
it observes (`Enter`, `Check`, `Note`) and receives nothing. It never awaits, reads a clock
or draws randomness, so one flow serves every driver, and the log of what it yielded *is*
the trace: a store read cannot be missing from it.

A store performs each `StoreEffect` as one atomic verb. `Effect[A]` names the answer `A`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from limen.account import Account, Found
from limen.evidence import Check, Checks, Enter, Evidence, Note
from limen.family import Rotation
from limen.keyring import KeyRecord, Keyring, KeyState
from limen.revocation import Coverage, Kind, Position, Revocation, Target
from limen.secret import Secret
from limen.session import CredentialCount, Session, Standing
from limen.throttle import Tally
from limen.verdict import Authenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.phase import Phase
    from limen.verdict import Reason

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
R = TypeVar("R")


@unique
class Access(StrEnum):
    """What answering costs; "no store read" is only true because these differ."""

    COMPUTE = "compute"
    MEMORY = "memory"
    READ = "read"
    WRITE = "write"


class Effect(Generic[A_co]):
    """A question whose answer has type `A_co`."""

    __slots__ = ()
    access: ClassVar[Access]


class Reading(Effect[A_co]):
    """An effect that reads the store and changes nothing."""

    __slots__ = ()
    access = Access.READ


class Writing(Effect[A_co]):
    """An effect that changes the store, wholly or not at all."""

    __slots__ = ()
    access = Access.WRITE


# -- accounts


@dataclass(frozen=True, slots=True)
class FindAccount(Reading[Found | None]):
    """Find an account by normalised e-mail or by id; exactly one of them is given."""

    email: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ListAccounts(Reading[tuple[Account, ...]]):
    """Return up to `limit` accounts in the order of their ids, after `after`."""

    limit: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class AddAccount(Writing[bool]):
    """Keep a new account; false, and nothing written, if its e-mail is taken."""

    account: Account
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateAccount(Writing[Account | None]):
    """Change the given fields of an account and return it; `None` if there is none.

    New roles move the revision: a sign-in in flight has read the old ones.
    """

    id: str
    now: int
    name: str | None = None
    image: str | None = None
    clear_image: bool = False
    roles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class SetPassword(Writing[bool]):
    """Replace a password hash if the account's revision is still `revision`.

    `moves_on` is true for a new password, which moves the revision, and false for a rehash
    of the same one. With `revoke` every session of the account but `keep` ends, with its
    log entry, in the same transaction. False, and nothing written, if the revision has
    moved.
    """

    id: str
    password_hash: str = field(repr=False)
    revision: int
    now: int
    moves_on: bool
    revoke: bool = False
    keep: str | None = None
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class SetDisabled(Writing[int | None]):
    """Disable an account and end its sessions in one transaction, or enable it again.

    Return how many sessions ended, `None` if there is no such account.
    """

    id: str
    disabled: bool
    now: int
    horizon: int = 0


# -- sessions


@dataclass(frozen=True, slots=True)
class OpenSession(Writing[Session | None]):
    """Keep a new session with the digests of its credentials.

    The store raises `created_at` to the latest not-before of the subject, so that "sign out
    everywhere, then sign in" within one millisecond works. `None`, and nothing written, if
    the account is disabled or its revision is not `revision` (`None` skips that check:
    Limen does not keep the account).
    """

    session: Session
    revision: int | None
    reference: bytes | None = None
    refresh: bytes | None = None


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
class Ended:
    """What a revocation ended: how many sessions, and the last log entry it appended."""

    sessions: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Revoke(Writing[Ended]):
    """End the sessions of a target and append to the revocation log, in one transaction.

    `horizon` is how long, in milliseconds, a credential may live that only the feed can
    refuse; with 0 no entry is needed and none is written. A `user` target that spares one
    session appends one `session` entry for each that ended; otherwise one entry is written,
    whose `not_before` lies after `now` and after every `created_at` and `used_at` that ends,
    and a session target that named nothing writes none. No entry expires sooner than `horizon`
    after `now` and after the last `created_at` or `used_at` that ends. A target with
    `spares_sessions` writes its entry and ends no session.
    """

    target: Target
    now: int
    horizon: int = 0


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


# -- refresh families


@dataclass(frozen=True, slots=True)
class FindRefresh(Reading[Standing | None]):
    """Find the session of a refresh token that would rotate or be repeated at `now`.

    A token whose successor was handed out moments ago still counts: another tab may have
    rotated while this request was on its way. Changes nothing.
    """

    digest: bytes
    now: int
    grace: int


@dataclass(frozen=True, slots=True)
class RotateRefresh(Writing[Rotation | None]):
    """Present a refresh token and offer its successor; `limen.family.judge` decides.

    One transaction: of any number of concurrent presentations exactly one rotates. A replay
    ends the family's session and appends its log entry. The answer's `created_at` is raised
    as `OpenSession` raises it, so that the token signed next is not covered by a revocation
    of the ones before. `None` if the token is unknown or its session has ended.
    """

    digest: bytes
    successor: bytes
    sealed_successor: bytes
    now: int
    grace: int
    horizon: int = 0


# -- the revocation log


@dataclass(frozen=True, slots=True)
class ReadLog(Reading[tuple[Revocation, ...]]):
    """Return the entries after `after` in order, at most `limit`.

    An entry never becomes visible after one with a higher `seq` was: the store serialises
    appends, so a reader that continues from the last `seq` it saw misses nothing.
    """

    after: int
    limit: int = 10_000


@dataclass(frozen=True, slots=True)
class FindRevocation(Reading[bool]):
    """Tell from the log itself whether a credential is refused."""

    session_id: str
    subject: str
    key_id: str | None
    issued_at: int


@dataclass(frozen=True, slots=True)
class KeptRevocation:
    """What a revocation ended, as one store remembers it for another that may forget.

    `expires_at` is when its entry may leave the log, 0 if none was written.
    `sessions_until` is the last absolute end of the sessions that it ended, 0 if it ended
    none. A session ended if it is named, or began before `not_before`. `number` is given
    by the store that keeps it and rises.
    """

    kind: Kind
    subject: str
    not_before: int
    expires_at: int
    sessions_until: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class KeepRevocations(Writing[None]):
    """Remember revocations of another store until nothing that they ended could come back.

    They change nothing in this store and stand in no log; `Purge` forgets them.
    """

    entries: tuple[KeptRevocation, ...]


@dataclass(frozen=True, slots=True)
class ListKept(Reading[tuple[KeptRevocation, ...]]):
    """Return what `KeepRevocations` kept, numbered after `after` in order, at most `limit`."""

    after: int
    limit: int = 1_000


# -- counters, single-use tickets, housekeeping


@dataclass(frozen=True, slots=True)
class Increment(Writing[Tally]):
    """Count one more attempt under `key` in a window of `window` milliseconds."""

    key: str
    window: int
    now: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something that works once: a reset link, a launch code. Kept by digest."""

    purpose: str
    digest: bytes
    subject: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class KeepTicket(Writing[None]):
    """Keep a ticket until it is consumed or expires."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Consume(Writing[Ticket | None]):
    """Use up a ticket of one purpose: of any number of callers exactly one receives it."""

    purpose: str
    digest: bytes
    now: int


@dataclass(frozen=True, slots=True)
class Purge(Writing[int]):
    """Delete what time has ended (sessions, log entries, counters, tickets); return how many.

    What `KeepRevocations` kept goes as well, and is not counted: it is a copy.
    """

    now: int


# -- keys


@dataclass(frozen=True, slots=True)
class LoadKeys(Reading[tuple[KeyRecord, ...]]):
    """Return every key, oldest first."""


@dataclass(frozen=True, slots=True)
class AddKey(Writing[bool]):
    """Keep a key; false, and nothing written, if another key already has its state and that
    state is `next` or `signing`, which only one key may have.
    """

    record: KeyRecord


@dataclass(frozen=True, slots=True)
class PromoteKey(Writing[bool]):
    """Make the `next` key sign and the signing key verify only, in one transaction.

    False, and nothing written, if `key_id` is not the `next` key.
    """

    key_id: str
    now: int


@dataclass(frozen=True, slots=True)
class SetKeyState(Writing[bool]):
    """Move one key to `verifying` or `retired`; false if there is no such key."""

    key_id: str
    state: KeyState
    now: int


@dataclass(frozen=True, slots=True)
class ResealKey(Writing[bool]):
    """Keep the private part of a key under a newer secret; false if it is no longer
    `replacing` that is kept.
    """

    key_id: str
    replacing: bytes
    sealed_private: bytes


@dataclass(frozen=True, slots=True)
class RemoveKey(Writing[bool]):
    """Delete a retired key; false if there is no retired key of that id."""

    key_id: str


StoreEffect: TypeAlias = (
    FindAccount
    | ListAccounts
    | AddAccount
    | UpdateAccount
    | SetPassword
    | SetDisabled
    | OpenSession
    | AttachCredential
    | FindSession
    | TouchSession
    | ListSessions
    | CountCredentials
    | Revoke
    | FindRefresh
    | RotateRefresh
    | ReadLog
    | FindRevocation
    | KeepRevocations
    | ListKept
    | Increment
    | KeepTicket
    | Consume
    | Purge
    | LoadKeys
    | AddKey
    | PromoteKey
    | SetKeyState
    | ResealKey
    | RemoveKey
)


# -- effects that the process itself answers


@dataclass(frozen=True, slots=True)
class AskFeed(Effect[Coverage]):
    """Ask this process's view of the revocation log about a credential."""

    access = Access.MEMORY
    session_id: str
    subject: str
    key_id: str | None
    issued_at: int


@dataclass(frozen=True, slots=True)
class AskPosition(Effect[Position | None]):
    """Ask how far this process has read the revocation log; `None` if its view is not fresh.

    Asked before the store is, so that what the store says is at least as new.
    """

    access = Access.MEMORY


@dataclass(frozen=True, slots=True)
class Remember(Effect[None]):
    """Offer a verdict that may be given again for the same credential before `until`.

    Only so long as all that it rests on stands: the `keyring` that verified it is the one
    in use, and the feed, where `asks_feed`, is fresh and knows nothing against it. `position`
    is what `AskPosition` said before a store was asked, `None` for a signed credential.
    """

    access = Access.MEMORY
    presented: Secret
    verdict: Authenticated
    until: int
    asks_feed: bool
    keyring: Keyring | None = field(default=None, repr=False)
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class RefreshKeys(Effect[Keyring]):
    """Ask for a newer keyring because a token names a key that this process does not know.

    The driver reads the store at most once per cool-down, so a flood of invented key ids
    costs nothing (CVE-2026-48524).
    """

    access = Access.MEMORY


@dataclass(frozen=True, slots=True)
class HashPassword(Effect[str]):
    """Hash a password with Argon2id, off the event loop."""

    access = Access.COMPUTE
    password: Secret


@dataclass(frozen=True, slots=True)
class PasswordAnswer:
    """Whether the password was right, and whether its hash has outdated parameters."""

    ok: bool
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class VerifyPassword(Effect[PasswordAnswer]):
    """Verify a password against a hash, or do the same work for `None` and fail."""

    access = Access.COMPUTE
    password: Secret
    against: str | None = field(repr=False)


LocalEffect: TypeAlias = (
    AskFeed | AskPosition | Remember | RefreshKeys | HashPassword | VerifyPassword
)
AnyEffect: TypeAlias = StoreEffect | LocalEffect
Observation: TypeAlias = Enter | Check | Checks | Note
Step: TypeAlias = AnyEffect | Observation
Flow: TypeAlias = Generator[Step, Any, R]
# What may append to the revocation log: a process that did it looks at the log at once.
REVOKING = (Revoke, RotateRefresh, SetDisabled, SetPassword)


# -- the spellings in which flows are written


def ask(effect: Effect[A]) -> Flow[A]:
    """Ask the world.

    Written `answer = yield from ask(FindSession(digest))`.
    """
    answer = yield cast("AnyEffect", effect)
    return cast("A", answer)


def check(
    name: str, ok: bool, reason: Reason | None = None, detail: Evidence | None = None
) -> Flow[bool]:
    """Apply a rule and record how it came out.

    Written `ok = yield from check("idle", ...)`.
    """
    yield Check(name, ok, None if ok else reason, detail)
    return ok


def enter(phase: Phase, given: Mapping[str, Evidence] | None = None) -> Flow[None]:
    """Begin a step of the vocabulary.

    Written `yield from enter(Phase.USER_LOOKUP)`.
    """
    yield Enter(phase, given or {})


def note(name: str, value: Evidence) -> Flow[None]:
    """Say what the step brought about.

    Written `yield from note("session", ...)`.
    """
    yield Note(name, value)

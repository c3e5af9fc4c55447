"""Questions about revocation: ending sessions, the log of it, and its memory elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from limen.effects.asking import Reading, Writing
from limen.revocation import Kind, Revocation, Target


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

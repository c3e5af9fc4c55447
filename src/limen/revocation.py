"""What a revocation is aimed at, its entry in the log, and one process's view of the log."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto, unique
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@unique
class Kind(StrEnum):
    """What one entry of the log refuses."""

    SESSION = "session"  # every credential of one session
    USER = "user"  # every credential of one account issued before a moment
    KEY = "key"  # every token signed by one key
    ALL = "all"  # every credential issued before a moment


@dataclass(frozen=True, slots=True)
class Target:
    """What `revoke` is aimed at: one session, one user, one key or everybody.

    `owner` limits a session target to sessions of that account, so that nobody ends
    another's session by naming it. `keep` spares one session of a user, for "sign out
    everywhere else". With `spares_sessions` only the log entry is written: signed tokens
    that are out are refused, and the sessions behind them live on. `by_holder` says that whoever
    holds the session ends it, which the audit log calls a sign-out. Use the constructors.
    """

    kind: Kind
    subject: str
    owner: str | None = None
    keep: str | None = None
    spares_sessions: bool = False
    by_holder: bool = field(default=False, compare=False)

    @classmethod
    def session(
        cls, session_id: str, *, owner: str | None = None, by_holder: bool = False
    ) -> Target:
        """Aim at one session, optionally only if `owner` owns it."""
        return cls(Kind.SESSION, session_id, owner=owner, by_holder=by_holder)

    @classmethod
    def user(cls, subject: str, *, keep: str | None = None) -> Target:
        """Aim at every session of one account, optionally sparing one."""
        return cls(Kind.USER, subject, keep=keep)

    @classmethod
    def tokens(cls, subject: str) -> Target:
        """Aim at the signed tokens of one account, for instance because its roles changed."""
        return cls(Kind.USER, subject, spares_sessions=True)

    @classmethod
    def key(cls, key_id: str) -> Target:
        """Aim at every token signed by one key."""
        return cls(Kind.KEY, key_id)

    @classmethod
    def everybody(cls) -> Target:
        """Aim at every session of everybody."""
        return cls(Kind.ALL, "")


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry of the log. Times are in milliseconds.

    `user` and `all` refuse what was issued before `not_before`; `session` and `key` refuse
    whatever names them. After `expires_at` no credential is left that the entry could
    refuse, and it may be purged.
    """

    seq: int
    kind: Kind
    subject: str
    not_before: int
    expires_at: int


@unique
class Coverage(Enum):
    """What a view of the log says about one credential."""

    CLEAR = auto()
    COVERED = auto()
    STALE = auto()  # the view heard nothing for longer than it may; ask the store


# Entries are forgotten in batches that end within one such span, in milliseconds, so that no
# batch is large enough to be felt.
SPAN: Final = 4_096
_NAME_BITS: Final = (1 << 60) - 1  # what Python keeps in an integer of 32 bytes


class Position(NamedTuple):
    """How far a view has read. A view that reads the log anew begins another generation."""

    generation: int
    seq: int


class _Batch:
    """The names of entries that are forgotten together, at `ends_at`."""

    __slots__ = ("ends_at", "seq", "sessions", "users")

    def __init__(self, ends_at: int) -> None:
        self.ends_at = ends_at
        self.seq = 0  # of the last of them
        self.sessions = array("q")
        self.users = array("q")


class _Sweep(NamedTuple):
    """What a `user` or `all` entry refuses: all that was issued before a moment."""

    not_before: int
    seq: int
    ends_at: int  # of the batch that forgets it

    def and_then(self, entry: Revocation, batch: _Batch) -> _Sweep:
        return _Sweep(
            max(self.not_before, entry.not_before), entry.seq, max(self.ends_at, batch.ends_at)
        )


def _later(one: _Batch, other: _Batch) -> _Batch:
    return one if one.ends_at > other.ends_at else other


_PAST: Final = _Batch(0)
_NOTHING: Final = _Sweep(0, 0, 0)
_RECORD: Final = Struct("<4q")  # a name and its sweep
_sweep_at: Final[Callable[[bytes, int], tuple[int, int, int]]] = Struct("<8x3q").unpack_from
_BUCKET_BITS: Final = (1 << 17) - 1  # those of a name that say in which bucket it is


def _place(bucket: bytes, name: int) -> int:
    """Return where the record of a name begins, -1 if there is none."""
    wanted = name.to_bytes(8, "little")
    at = bucket.find(wanted)
    while at > 0 and at % _RECORD.size:  # other bytes that read like this name
        at = bucket.find(wanted, at + 1)
    return at


class _Sweeps:
    """The sweeps of users, by name: a million take 71 MB, and 195 MB as objects in a dictionary.

    Names that end alike share a bucket, 8 of them when a million are held: so few that they are
    searched and copied in a fraction of a microsecond, and nothing large ever has to grow.
    A bucket is never changed but replaced, so that another thread finds each of its names,
    in the old one or in the new one.
    """

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets: dict[int, bytes] = {}  # of one record or more each

    def __len__(self) -> int:
        return sum(map(len, self.buckets.values())) // _RECORD.size

    def not_before(self, name: int) -> int:
        bucket = self.buckets.get(name & _BUCKET_BITS)
        if bucket is None or (at := _place(bucket, name)) < 0:
            return 0
        return _sweep_at(bucket, at)[0]

    def seq(self, name: int) -> int:
        bucket = self.buckets.get(name & _BUCKET_BITS)
        if bucket is None or (at := _place(bucket, name)) < 0:
            return 0
        return _sweep_at(bucket, at)[1]

    def hold(self, name: int, entry: Revocation, batch: _Batch) -> None:
        bucket = self.buckets.get(name & _BUCKET_BITS, b"")
        at = _place(bucket, name)
        sweep = (entry.not_before, entry.seq, batch.ends_at)
        if at >= 0:
            sweep = _Sweep(*_sweep_at(bucket, at)).and_then(entry, batch)
            bucket = bucket[:at] + bucket[at + _RECORD.size :]
        self.buckets[name & _BUCKET_BITS] = bucket + _RECORD.pack(name, *sweep)

    def forget(self, name: int, batch: _Batch) -> None:
        bucket = self.buckets.get(name & _BUCKET_BITS, b"")
        at = _place(bucket, name)
        if at < 0 or _sweep_at(bucket, at)[2] != batch.ends_at:
            return  # forgotten already, or renewed by an entry that ends later
        others = bucket[:at] + bucket[at + _RECORD.size :]
        if others:
            self.buckets[name & _BUCKET_BITS] = others
        else:
            del self.buckets[name & _BUCKET_BITS]


class RevocationView:
    """The live entries of the log, in memory, for one process.

    Built for a million of them: a session is a dictionary entry under 60 bits of Python's
    keyed string hash, a user a record under the same, and each of them eight bytes in the
    batch in which it will be forgotten. With a million entries, two ids fall together once in
    10**12: then a token is refused in vain until the entry expires. None is ever accepted in
    vain.

    Bounded by the log itself: `purge` forgets what can no longer refuse anything. Readers
    may ask from any thread; one at a time may `apply`, `purge` or `rewind`.
    """

    __slots__ = (
        "_batches",
        "_everybody",
        "_forgotten",
        "_keys",
        "_sessions",
        "_users",
        "generation",
        "last",
    )

    def __init__(self) -> None:
        self.generation = 0
        self.last: Revocation | None = None
        self._sessions: dict[int, _Batch] = {}
        self._users = _Sweeps()
        self._keys: dict[str, _Batch] = {}
        self._everybody = _NOTHING
        self._forgotten = 0
        self._batches: dict[int, _Batch] = {}  # by `ends_at`

    def __len__(self) -> int:
        """Return how many sessions, users and keys are held, and one more for everybody."""
        others = len(self._users) + len(self._keys) + (self._everybody is not _NOTHING)
        return len(self._sessions) + others

    @property
    def seq(self) -> int:
        """The number of the last entry that was taken in, 0 before the first."""
        return self.last.seq if self.last is not None else 0

    @property
    def position(self) -> Position:
        """How far this view has read."""
        return Position(self.generation, self.seq)

    def apply(self, entries: Iterable[Revocation]) -> None:
        """Take in entries of the log; one that is held already changes nothing."""
        for entry in entries:
            if entry.seq > self.seq:
                self._hold(entry)
                # Last: another thread that reads on from here must not miss this entry.
                self.last = entry

    def rewind(self) -> None:
        """Begin to read the log anew, and keep what is known.

        For a log that went back, such as a restored backup: it may give an old number to a
        new entry.
        """
        self.generation += 1
        self._forgotten = 0
        self.last = None

    def _hold(self, entry: Revocation) -> None:
        ends_at = -(-entry.expires_at // SPAN) * SPAN
        batch = self._batches.get(ends_at)
        if batch is None:
            batch = self._batches[ends_at] = _Batch(ends_at)
        batch.seq = entry.seq
        match entry.kind:
            case Kind.SESSION:
                name = hash(entry.subject) & _NAME_BITS
                self._sessions[name] = _later(self._sessions.get(name, _PAST), batch)
                batch.sessions.append(name)
            case Kind.USER:
                name = hash(entry.subject) & _NAME_BITS
                self._users.hold(name, entry, batch)
                batch.users.append(name)
            case Kind.KEY:
                self._keys[entry.subject] = _later(self._keys.get(entry.subject, _PAST), batch)
            case Kind.ALL:
                self._everybody = self._everybody.and_then(entry, batch)

    def covers(self, session_id: str, subject: str, key_id: str | None, issued_at: int) -> bool:
        """Tell whether an entry refuses a signed credential; `issued_at` is in milliseconds."""
        return (
            hash(session_id) & _NAME_BITS in self._sessions
            or (
                self._users.buckets
                and issued_at < self._users.not_before(hash(subject) & _NAME_BITS)
            )
            or issued_at < self._everybody.not_before
            or key_id in self._keys
        )

    def moved_since(self, position: Position, session_id: str, subject: str) -> bool:
        """Tell whether an entry may change what a store said of a session at `position`.

        By the order of the log and not by a clock: what was read from a store, on whatever
        machine, is as old as the position that was read before it.
        """
        generation, seq = position
        return (
            generation != self.generation
            or seq < self._forgotten
            or hash(session_id) & _NAME_BITS in self._sessions
            or (self._users.buckets and seq < self._users.seq(hash(subject) & _NAME_BITS))
            or seq < self._everybody.seq
        )

    def purge(self, now: int) -> None:
        """Forget the entries that can no longer refuse anything at `now`, in milliseconds."""
        for batch in [one for one in self._batches.values() if one.ends_at <= now]:
            del self._batches[batch.ends_at]
            # A clock that is ahead may forget an entry early: then what was read from a store
            # before that entry is read again.
            self._forgotten = max(self._forgotten, batch.seq)
            for name in batch.sessions:
                if self._sessions.get(name) is batch:
                    del self._sessions[name]
            for name in batch.users:
                self._users.forget(name, batch)
        for key_id in [one for one, batch in self._keys.items() if batch.ends_at <= now]:
            del self._keys[key_id]
        if self._everybody.ends_at <= now:
            self._everybody = _NOTHING

"""What a revocation is aimed at, its entry in the log, and one process's view of the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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
    that are out are refused, and the sessions behind them live on. Use the constructors.
    """

    kind: Kind
    subject: str
    owner: str | None = None
    keep: str | None = None
    spares_sessions: bool = False

    @classmethod
    def session(cls, session_id: str, *, owner: str | None = None) -> Target:
        """Aim at one session, optionally only if `owner` owns it."""
        return cls(Kind.SESSION, session_id, owner=owner)

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


class RevocationView:
    """The live entries of the log, in memory, for one process.

    Bounded by the log itself: `purge` forgets what can no longer refuse anything.
    """

    __slots__ = ("_everybody", "_expiries", "_keys", "_sessions", "_users", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self._sessions: set[str] = set()
        self._keys: set[str] = set()
        self._users: dict[str, int] = {}
        self._everybody = 0
        self._expiries: list[Revocation] = []

    def __len__(self) -> int:
        """Return how many entries are held."""
        return len(self._expiries)

    def apply(self, entries: Iterable[Revocation]) -> None:
        """Take in entries of the log; one that is held already changes nothing."""
        for entry in entries:
            if entry.seq > self.seq:
                self._hold(entry)
                self._expiries.append(entry)
                # Last: another thread that reads on from here must not miss this entry.
                self.seq = entry.seq

    def _hold(self, entry: Revocation) -> None:
        match entry.kind:
            case Kind.SESSION:
                self._sessions.add(entry.subject)
            case Kind.KEY:
                self._keys.add(entry.subject)
            case Kind.USER:
                self._users[entry.subject] = max(
                    self._users.get(entry.subject, 0), entry.not_before
                )
            case Kind.ALL:
                self._everybody = max(self._everybody, entry.not_before)

    def covers(self, session_id: str, subject: str, key_id: str | None, issued_at: int) -> bool:
        """Tell whether an entry refuses a credential; `issued_at` is in milliseconds."""
        return (
            session_id in self._sessions
            or issued_at < self._users.get(subject, 0)
            or issued_at < self._everybody
            or key_id in self._keys
        )

    def purge(self, now: int) -> None:
        """Forget the entries that can no longer refuse anything."""
        live = [entry for entry in self._expiries if entry.expires_at > now]
        if len(live) == len(self._expiries):
            return
        # Built aside and then swapped in: a thread that asks meanwhile never sees a gap.
        rest = RevocationView()
        for entry in live:
            rest._hold(entry)
        self._sessions, self._keys, self._users = rest._sessions, rest._keys, rest._users
        self._everybody = rest._everybody
        self._expiries = live

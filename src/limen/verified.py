"""The verified-credential cache: a signature, or a row, is checked once per process.

It may accept, never refuse: whatever it does not know, or knows too little about, goes the
whole way. The feed is consulted on every request, so nothing here outlives a revocation.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from limen.jose import MAXIMUM_LENGTH
from limen.secret import octets_of

if TYPE_CHECKING:
    from limen.clock import Clock
    from limen.effects import Remember
    from limen.keyring import Keyring
    from limen.ports import View
    from limen.revocation import Position
    from limen.strategies.jwt import KeySource
    from limen.verdict import Authenticated


class _Verified(NamedTuple):
    verdict: Authenticated
    until: int
    asks_feed: bool
    keyring: Keyring | None
    position: Position | None


_NONE: Final[dict[bytes, _Verified]] = {}


class VerifiedCredentials:
    """At most `capacity` verdicts, by the BLAKE2b of the credential (RFC 7693).

    Two halves: when the younger is full it becomes the older, and the older is forgotten.
    What is used moves to the younger half, so the busiest stay.
    """

    __slots__ = ("_clock", "_feed", "_half", "_keys", "_older", "_younger")

    def __init__(self, keys: KeySource, clock: Clock, feed: View | None, capacity: int) -> None:
        self._keys = keys
        self._clock = clock
        self._feed = feed
        self._half = (capacity + 1) // 2
        self._younger: dict[bytes, _Verified] = {}
        self._older: dict[bytes, _Verified] = _NONE

    def __len__(self) -> int:
        """Return how many verdicts are held."""
        return len(self._younger.keys() | self._older.keys())

    def recognise(self, presented: bytes, *, bound: bool = False) -> Authenticated | None:
        """Return the verdict on a credential if all that it rests on still stands.

        With `bound` the credential is one that is bound to a key, whose proof is yet to judge.
        Those have names of their own here: without it none of them is ever found.
        """
        if len(presented) > MAXIMUM_LENGTH:
            return None
        name = _bound_name(presented) if bound else _name(presented)
        known = self._younger.get(name)
        if known is None:
            known = self._older.get(name)
            if known is None:
                return None
            self._put(name, known)
        if self._clock.now() >= known.until:
            return None
        if known.keyring is not None and known.keyring is not self._keys.keyring:
            return None
        if known.asks_feed and not self._is_clear(known):
            return None
        return known.verdict

    def _is_clear(self, known: _Verified) -> bool:
        feed = self._feed
        if feed is None or not feed.is_fresh() or feed.went_back:
            return False
        who, view = known.verdict.principal, feed.view
        if known.position is not None:
            return not view.moved_since(known.position, who.session_id, who.subject)
        return not view.covers(who.session_id, who.subject, who.key_id, who.issued_at)

    def keep(self, offer: Remember) -> None:
        """Take a verdict that a strategy offers."""
        if self._half:
            known = _Verified(
                offer.verdict, offer.until, offer.asks_feed, offer.keyring, offer.position
            )
            bound = offer.verdict.principal.bound_to is not None
            name_of = _bound_name if bound else _name
            self._put(name_of(octets_of(offer.presented.reveal())), known)

    def _put(self, name: bytes, known: _Verified) -> None:
        if len(self._younger) >= self._half:
            self._older, self._younger = self._younger, {}
        self._younger[name] = known


def _name(presented: bytes) -> bytes:
    # Python's own; its SHA-256 takes the way through OpenSSL, which costs a microsecond more.
    return blake2b(presented).digest()


def _bound_name(presented: bytes) -> bytes:
    return blake2b(presented, person=b"bound").digest()

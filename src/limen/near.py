"""A session id is judged without a flow where its row lies beside the process.

The store is asked on every request: first whether anybody has committed anything, and for the
row if so, or if it was not read yet. It may accept, never refuse: whatever is not plain goes
the whole way.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, NamedTuple

from limen import forks
from limen.effects import FindSession
from limen.errors import StoreUnavailable
from limen.forks import Forkable
from limen.session import CREDENTIAL_LENGTH, Standing

if TYPE_CHECKING:
    from limen.clock import Clock
    from limen.ports import Reader, Version
    from limen.strategies.session import SessionStrategy
    from limen.verdict import Authenticated


class _Read(NamedTuple):
    verdict: Authenticated
    until: int


class NearSessions(Forkable):
    """The sessions in a store that answers at once, as `session` with `check="store"` judges.

    What was read stands while the store's version does, so a request that starts after a
    `revoke` has returned reads the row again. At most `capacity` of them are kept, by the
    SHA-256 of the id. For any thread.
    """

    def __init__(
        self, reader: Reader, strategy: SessionStrategy, clock: Clock, capacity: int
    ) -> None:
        self._reader = reader
        self._strategy = strategy
        self._clock = clock
        self._capacity = capacity
        self._looking = threading.Lock()
        self._version: Version | None = None
        self._read: dict[bytes, _Read] = {}
        forks.tell(self)

    def recognise(self, presented: bytes) -> Authenticated | None:
        """Return the verdict on a session id if its row says that nothing else is to be done."""
        if len(presented) != CREDENTIAL_LENGTH:
            return None
        read = self._standing_reads()
        if read is None:
            return None
        digest = hashlib.sha256(presented).digest()
        known = read.get(digest)
        if known is None:
            found = self._reader.answer(FindSession(digest=digest))
            accepted = self._strategy.accepted(found) if isinstance(found, Standing) else None
            if accepted is None:
                return None
            known = _Read(*accepted)
            if len(read) >= self._capacity:
                read.clear()
            if self._capacity:
                # Beside what else is from before the next commit, and gone with it.
                read[digest] = known
        return known.verdict if self._clock.now() < known.until else None

    def _standing_reads(self) -> dict[bytes, _Read] | None:
        """Return what was read since the last commit of anybody, `None` if nobody can say."""
        with self._looking:
            try:
                version = self._reader.version()
            except StoreUnavailable:
                return None
            if version != self._version:
                # In this order: old rows must never stand under a new version.
                self._read = {}
                self._version = version
            return self._read

    def after_fork(self, *, child: bool) -> None:
        """Open a lock that a thread of the parent may have held."""
        if child:
            self._looking = threading.Lock()

"""Which proofs this process has seen, for a verifier that shares no store with others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from limen.errors import StoreUnavailable
from limen.throttle import Tally

if TYPE_CHECKING:
    from limen.effects import Increment

CAPACITY: Final = 100_000  # proofs of the last two minutes, at some 200 bytes each


class SeenProofs:
    """Counts the uses of proofs. For any thread.

    When it is full nothing more is accepted: to forget one would let it be used again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Make it; `capacity` is how many uses it remembers at once."""
        self._capacity = capacity
        self._until: dict[str, int] = {}  # in the order in which they end
        self._changing = threading.Lock()

    def __len__(self) -> int:
        """Return how many uses are remembered."""
        return len(self._until)

    def count(self, effect: Increment) -> Tally:
        """Answer `Increment`: one for a use that is new, two for any other.

        Raises `StoreUnavailable` when there is no room for another.
        """
        with self._changing:
            self._forget(effect.now)
            known = self._until.get(effect.key)
            if known is not None:
                return Tally(2, known)
            if len(self._until) >= self._capacity:
                raise StoreUnavailable("too many proofs were used within two minutes")
            until = self._until[effect.key] = effect.now + effect.window
            return Tally(1, until)

    def _forget(self, now: int) -> None:
        over = []
        for key, until in self._until.items():
            if until > now:
                break
            over.append(key)
        for key in over:
            del self._until[key]

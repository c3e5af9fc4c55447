"""Randomness that repeats, for tests only: whoever knows the seed knows every credential."""

from __future__ import annotations

import hashlib
import itertools


class SeededEntropy:
    """SHA-256 over a seed and a counter; equal seeds give equal bytes, in equal order."""

    def __init__(self, seed: str = "limen") -> None:
        self._seed = hashlib.sha256(seed.encode()).digest()
        self._counter = itertools.count()

    def octets(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        drawn = b""
        while len(drawn) < count:
            block = next(self._counter).to_bytes(8, "big")
            drawn += hashlib.sha256(self._seed + block).digest()
        return drawn[:count]

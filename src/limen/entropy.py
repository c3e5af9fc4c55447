"""Randomness, as an argument. The only module that imports `secrets`."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from typing import Protocol


class Entropy(Protocol):
    """A source of unpredictable bytes."""

    def octets(self, count: int) -> bytes:
        """Return `count` random bytes."""
        ...


class SystemEntropy:
    """The operating system's generator."""

    def octets(self, count: int) -> bytes:
        """Return `count` bytes that nobody can predict."""
        return secrets.token_bytes(count)


def random_text(entropy: Entropy, octets: int) -> str:
    """Return `octets` random bytes as unpadded base64url; 32 bytes give 43 characters."""
    return urlsafe_b64encode(entropy.octets(octets)).rstrip(b"=").decode("ascii")

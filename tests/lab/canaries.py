"""Finds a secret in an output, however it was written there."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse
from collections.abc import Iterator

SHORTEST_PART = 8


def spellings(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret could have slipped into a text."""
    octets = secret.encode()
    half = len(secret) // 2
    parts = [secret, secret[::-1]]
    if half >= SHORTEST_PART:
        parts += [secret[:half], secret[half:]]
    yield from parts
    yield base64.b64encode(octets).decode().rstrip("=")
    yield base64.urlsafe_b64encode(octets).decode().rstrip("=")
    yield octets.hex()
    yield octets.hex().upper()
    yield urllib.parse.quote(secret, safe="")
    yield "".join(f"%{octet:02X}" for octet in octets)
    yield hashlib.sha256(octets).hexdigest()
    yield hashlib.md5(octets).hexdigest()


def leaks(secrets: list[str], output: str) -> list[str]:
    """Return the secrets that an output holds in any spelling."""
    return [one for one in secrets if any(text in output for text in spellings(one))]

"""A value that must not be seen: it has no useful repr, str, pickle or ordering."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn, final


def octets_of(text: str) -> bytes:
    """Return the octets of which a credential is the text; any text has some."""
    return text.encode("utf-8", "surrogatepass")


@final
class Secret:
    """Text that a client presents or receives: a token, a session id, a password.

    `reveal()` is the only way to the text, so that every place that needs it can
    be found by searching for one word.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def digest(self) -> bytes:
        """Return the SHA-256 of the text (32 bytes): all that a store may keep.

        A plain hash is enough because a credential has 256 random bits (ASVS 6.5.2);
        never use it for a password.
        """
        return hashlib.sha256(octets_of(self._text)).digest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.digest(), other.digest())

    def __hash__(self) -> int:
        return hash(self.digest())

    def __repr__(self) -> str:
        return "<Secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<Secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled, copied to disk or sent to another process")

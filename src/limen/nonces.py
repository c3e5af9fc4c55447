"""Values that only this service can have made, and not long ago; kept nowhere."""

from __future__ import annotations

from hmac import compare_digest, digest
from typing import TYPE_CHECKING, Final, final

from limen.strict import encode_segment

if TYPE_CHECKING:
    from limen.sealing import Secrets

_PURPOSE: Final = "limen proof nonce"
_OCTETS: Final = 16  # 128 bits of the MAC


@final
class Nonces:
    """A nonce is the MAC of a slot of time, the same for everybody in it (RFC 9449 section 8).

    Every process with the same secrets knows it. It is taken in its own slot and in the next.
    """

    __slots__ = ("_keys", "_lifetime")

    def __init__(self, secrets: Secrets, lifetime: int) -> None:
        """Make them; `lifetime` is that of a slot, in milliseconds."""
        self._keys = secrets.derive_each(_PURPOSE)
        self._lifetime = lifetime

    def current(self, now: int) -> str:
        """Return the nonce of this moment, in milliseconds."""
        return self._of(self._keys[0], now // self._lifetime)

    def holds(self, nonce: str, now: int) -> bool:
        """Tell whether a nonce is of this slot or the one before."""
        slot = now // self._lifetime
        octets = nonce.encode("utf-8", "surrogatepass")
        return any(
            compare_digest(octets, self._of(key, one).encode("ascii"))
            for key in self._keys
            for one in (slot, slot - 1)
        )

    @staticmethod
    def _of(key: bytes, slot: int) -> str:
        mac = digest(key, slot.to_bytes(8, signed=True), "sha256")
        return encode_segment(mac[:_OCTETS]).decode("ascii")

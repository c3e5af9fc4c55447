"""The `Authorization: DPoP` header, beside or instead of `Bearer` (RFC 9449 section 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.transports.base import Carrier
from limen.transports.bearer import BearerTransport
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.transports.base import Headers

_SCHEME = b"dpop"


class DpopTransport(BearerTransport):
    """Credentials in a header, and in another the proof that their user holds a key."""

    def __init__(self, *, required: bool) -> None:
        """Make it; with `required` a credential that comes alone is refused, whatever it is."""
        self._required = required

    def _carrier_of(self, scheme: bytes) -> Carrier | Refused | None:
        if scheme == _SCHEME:
            return Carrier.DPOP
        carrier = super()._carrier_of(scheme)
        return Refused(Reason.UNPROVEN) if carrier and self._required else carrier

    def glance(self, line: bytes) -> bytes | None:
        """Return the credential of a bearer, as there; with `required` `read` refuses it."""
        return None if self._required else super().glance(line)


def proof_in(headers: Headers) -> str | Refused | None:
    """Return the proof that a request carries, `None` if there is none.

    Two of them are refused: each of us might believe another (RFC 9449 section 4.3).
    """
    found = [value for name, value in headers if name == b"dpop"]
    if len(found) > 1:
        return Refused(Reason.BAD_PROOF)
    return found[0].strip().decode("latin-1") if found else None

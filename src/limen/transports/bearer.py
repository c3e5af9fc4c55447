"""The `Authorization: Bearer` header (RFC 6750 section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.secret import Secret
from limen.transports.base import Carrier, Presented
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines, Headers
    from limen.verdict import Issued

_SCHEME = b"bearer"
_USUAL = b"Bearer "  # how nearly everybody writes it
# The longest credential is a signed token of 8192 characters; no header needs more.
MAX_HEADER_OCTETS = 8_192 + len("Bearer ")


class BearerTransport:
    """Credentials in a header that code adds: no browser sends it by itself, so no CSRF."""

    carrier = Carrier.BEARER

    def read(self, headers: Headers) -> Presented | Refused | None:
        """Read exactly one bearer credential.

        Two `Authorization` lines are refused: a proxy may believe the first and we the
        last. Another scheme is none of our business and reads as nothing.
        """
        line: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                if line is not None:
                    return Refused(Reason.AMBIGUOUS)
                line = value
        if line is None:
            return None
        scheme, _, credential = line.strip().partition(b" ")
        carrier = self._carrier_of(scheme.lower())
        if carrier is None:
            return None
        if isinstance(carrier, Refused):
            return carrier
        credential = credential.strip()
        if not credential or len(line) > MAX_HEADER_OCTETS or not credential.isascii():
            return Refused(Reason.MALFORMED)
        if b" " in credential or b"," in credential:
            return Refused(Reason.AMBIGUOUS)
        return Presented(carrier, access=Secret(credential.decode("ascii")))

    def _carrier_of(self, scheme: bytes) -> Carrier | Refused | None:
        return self.carrier if scheme == _SCHEME else None

    def glance(self, line: bytes) -> bytes | None:
        """Return the credential of the only `Authorization` line, where one look is enough.

        `None` says nothing, `read` decides; and what is returned is what `read` returns.
        """
        scheme, credential = line[: len(_USUAL)], line[len(_USUAL) :]
        if scheme != _USUAL or len(line) > MAX_HEADER_OCTETS or not credential.isascii():
            return None
        if credential.strip() != credential or b" " in credential or b"," in credential:
            return None
        return credential or None

    def deliver(self, issued: Issued, now: int) -> HeaderLines:
        """Deliver nothing here: the response body carries the credentials."""
        del issued, now
        return ()

    def withdraw(self) -> HeaderLines:
        """Withdraw nothing: the client forgets what it keeps."""
        return ()

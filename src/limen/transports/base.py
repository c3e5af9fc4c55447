"""The contract of a transport: headers in, headers out, and no idea what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from limen.secret import Secret
    from limen.verdict import Issued, Refused

# Raw header lines, names in lower case, as ASGI passes them.
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
HeaderLines: TypeAlias = Sequence[tuple[bytes, bytes]]


@unique
class Carrier(StrEnum):
    """What brought a credential: a browser by itself, or code that added a header.

    With `DPOP` that code also proves to hold a key (RFC 9449 section 7.1).
    """

    COOKIE = "cookie"
    BEARER = "bearer"
    DPOP = "dpop"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request carried: extracted, not yet believed. Either part may be missing."""

    carrier: Carrier
    access: Secret | None = None
    refresh: Secret | None = None


class Transport(Protocol):
    """Reads what a request carried and writes what the client must hold from now on."""

    carrier: Carrier

    def read(self, headers: Headers) -> Presented | Refused | None:
        """Return what was carried, a refusal if it is ambiguous, `None` if there is nothing."""
        ...

    def deliver(self, issued: Issued, now: int) -> HeaderLines:
        """Return the response headers that hand credentials to the client."""
        ...

    def withdraw(self) -> HeaderLines:
        """Return the response headers that make the client forget them."""
        ...

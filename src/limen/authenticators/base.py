"""The contract of an authenticator: something in, an `Authentication` out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from limen.account import Account
    from limen.effects import Flow
    from limen.principal import Authentication
    from limen.verdict import Refused

Proof_contra = TypeVar("Proof_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody proved who they are; `account` is what was read on the way."""

    authentication: Authentication
    account: Account


class Authenticator(Protocol[Proof_contra]):
    """Proves who somebody is, once. What remembers it afterwards is a strategy."""

    def attempt(self, proof: Proof_contra, now: int) -> Flow[Proven | Refused]:
        """Judge one proof at `now` (milliseconds)."""
        ...

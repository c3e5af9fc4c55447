"""What operations are composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from limen.authenticators.proof import ProofAuthenticator
from limen.dpop import ProofPolicy
from limen.effects import check, enter
from limen.errors import ConfigurationError
from limen.guarantees import Receipt
from limen.letter import EmailPolicy
from limen.phase import Phase
from limen.strategies.jwt import KeySource
from limen.throttle import LETTER_BUDGET, Budget
from limen.usernames import UsernamePolicy
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.authenticators.password import PasswordAuthenticator
    from limen.claims import TokenPolicy
    from limen.clock import Clock
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.keyring import Algorithm, Keyring
    from limen.principal import Principal
    from limen.sealing import Secrets
    from limen.strategies.base import Strategy


class KeyHolder(KeySource, Protocol):
    """Keeps the keyring of this process, which flows replace when keys rotate."""

    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Parts:
    """What the operations are composed of; see `limen.assembly`."""

    primary: Strategy
    accepted: tuple[Strategy, ...]
    passwords: PasswordAuthenticator
    keys: KeyHolder
    secrets: Secrets
    algorithm: Algorithm
    policy: TokenPolicy
    clock: Clock
    entropy: Entropy
    keeps: bool
    email: EmailPolicy = field(default_factory=EmailPolicy)
    usernames: UsernamePolicy = field(default_factory=UsernamePolicy)
    letter_budget: Budget = LETTER_BUDGET
    fresh: int = 3_600_000  # milliseconds
    verify_link: str | None = None  # of this service's own endpoint
    session_fields: Mapping[str, str] = field(default_factory=dict)
    # How long a session of another server may be used here, in milliseconds; 0 if none may.
    elsewhere: int = 0
    audit_retention: int = 90 * 86_400_000  # milliseconds
    proofs: ProofAuthenticator = field(default_factory=lambda: ProofAuthenticator(ProofPolicy()))

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The strategies whose credentials are taken, the one that issues first."""
        return (self.primary, *self.accepted)


class Composed:
    """Holds the parts; each group of operations builds on it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # What was revoked must be known for as long as anything could come of it.
        self._horizon = max(parts.elsewhere, *(one.horizon for one in parts.strategies))
        # With several strategies a credential of either kind may be out there.
        self._window = max(one.guarantees.revocation_window for one in parts.strategies)

    def _receipt(self, ended: int | None) -> Receipt:
        """Say what ended and by when no copy works.

        The clock is read after the commit: the promise runs from there, and a store may be
        slow. Where a strategy keeps nothing, nobody can know how many copies are out there.
        """
        parts = self._parts
        known = all(one.guarantees.needs_store for one in parts.strategies)
        return Receipt(ended if known else None, parts.clock.now() + self._window)

    def _need_store(self, what: str) -> None:
        if not self._parts.keeps:
            raise ConfigurationError(
                "database",
                f"strategy='jwt' with refresh=None keeps no {what}.",
                "Give Limen a database to have them.",
            )

    def _is_fresh(self, principal: Principal) -> Flow[Refused | None]:
        yield from enter(Phase.AUTHZ_DECIDE)
        fresh = self._parts.clock.now() - principal.authenticated_at <= self._parts.fresh
        if not (yield from check("signed in a moment ago", fresh, Reason.NOT_FRESH)):
            return Refused(Reason.NOT_FRESH)
        return None

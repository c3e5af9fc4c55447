"""What both faces of the verifier share: the rules, the keys and the promise."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limen.authenticators.proof import ProofAuthenticator
from limen.claims import TokenPolicy
from limen.clock import Clock, SystemClock
from limen.dpop import ProofPolicy
from limen.errors import ConfigurationError
from limen.revocation import Kind
from limen.secret import Secret
from limen.strategies.hybrid import HybridStrategy
from limen.strategies.jwt import JwtStrategy
from limen.strategies.session import again
from limen.verdict import Refused
from limen.verify.fetching import checked_url
from limen.verify.mismatches import Mismatches
from limen.verify.remote_keys import KeyLimits, RemoteKeys
from limen.verify.replays import SeenProofs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.dpop import Proof
    from limen.effects import Flow
    from limen.freshness import Freshness
    from limen.guarantees import Guarantees
    from limen.principal import Principal
    from limen.revocation import Revocation
    from limen.verdict import Authenticated, Verdict


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one verifier. Times are in milliseconds."""

    clock: Clock
    keys: RemoteKeys
    strategy: JwtStrategy
    max_lag: int
    interval: int
    mismatches: Mismatches
    proofs: ProofAuthenticator
    seen_proofs: SeenProofs

    @property
    def guarantees(self) -> Guarantees:
        """What is promised here, where no token is issued and no session is kept."""
        strategy = self.strategy
        return replace(
            strategy.guarantees,
            idle=None,
            absolute=strategy.policy.lifetime,
            needs_store=strategy.asks_feed,
        )

    def judged(
        self, token: str, proof: Proof | None, known: Authenticated | None = None
    ) -> Flow[Verdict]:
        """Judge a token by the rules of Limen itself; `known` is what was said of it before."""
        now, secret = self.clock.now(), Secret(token)
        if proof is None:
            return self.strategy.authenticate(secret, now)

        def judged_for(proven_key: str) -> Flow[Verdict]:
            if known is not None:
                return again(known, proven_key)
            return self.strategy.authenticate(secret, now, proven_key)

        return self.proofs.accept(proof, token, now, judged_for)

    def require_fresh(self, principal: Principal, wanted: Freshness) -> Refused | None:
        """Say whether the sign-in behind a token is enough; see `Freshness`."""
        reason = wanted.reason(principal, self.clock.now())
        return None if reason is None else Refused(reason)

    def hear(self, entries: Sequence[Revocation]) -> None:
        """Forget the keys that were withdrawn; their entries leave the log again."""
        for entry in entries:
            if entry.kind is Kind.KEY:
                self.keys.withdraw(entry.subject)


def assemble(
    jwks_url: str,
    policy: TokenPolicy,
    *,
    follows: bool,
    max_lag: float,
    feed_interval: float,
    limits: KeyLimits,
    tls: ssl.SSLContext | None,
    clock: Clock | None,
    proofs: ProofPolicy,
) -> Parts:
    """Build the parts; raises `ConfigurationError`. Nothing is opened and nothing is read."""
    if not 0 < feed_interval * 2 <= max_lag:
        raise ConfigurationError(
            "feed_interval",
            "leaves no room within `max_lag` for one look that fails.",
            "Make it less than half of `max_lag`.",
        )
    if tls is not None and not (tls.verify_mode is ssl.CERT_REQUIRED and tls.check_hostname):
        raise ConfigurationError(
            "tls",
            "does not check who answers.",
            "Make it by ssl.create_default_context(cafile=...).",
        )
    clock = clock or SystemClock()
    keys = RemoteKeys(checked_url(jwks_url, "jwks_url"), clock, limits, tls)
    lag = round(max_lag * 1000)
    strategy = HybridStrategy(keys, policy, max_lag=lag) if follows else None
    return Parts(
        clock=clock,
        keys=keys,
        strategy=strategy or JwtStrategy(keys, policy, refresh=False),
        max_lag=lag,
        interval=round(feed_interval * 1000),
        mismatches=Mismatches(policy, clock),
        proofs=ProofAuthenticator(_without_nonce(proofs)),
        seen_proofs=SeenProofs(),
    )


def _without_nonce(proofs: ProofPolicy) -> ProofPolicy:
    if proofs.nonce:
        raise ConfigurationError(
            "proofs.nonce",
            "is for the Limen that signs: a verifier has no secret to make nonces with.",
            "Leave it out here.",
        )
    return proofs


def policy_of(issuer: str, audience: str, lifetime: float, leeway: float) -> TokenPolicy:
    """Return what a token must say; raises `ConfigurationError`. Times are in seconds."""
    return TokenPolicy(
        issuer=issuer,
        audience=audience,
        lifetime=round(lifetime * 1000),
        leeway=round(leeway * 1000),
    )

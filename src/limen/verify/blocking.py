"""`BlockingVerifier`: the same for code that does not await (Django, Flask, scripts)."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any, Self

from limen.driver import drive_blocking
from limen.effects import AskFeed, FindRevocation, Increment, RefreshKeys, Remember
from limen.feeds import blocking_feed_for, coverage
from limen.guarantees import DEFAULT_MAX_LAG
from limen.secret import octets_of
from limen.verdict import Absent, Reason, Refused
from limen.verified import VerifiedCredentials
from limen.verify.logs import blocking_log_at
from limen.verify.parts import assemble, policy_of
from limen.verify.remote_keys import KeyLimits
from limen.verify.verifier import DEFAULT_LIMITS, DEFAULT_PROOFS, REMEMBERED

if TYPE_CHECKING:
    import ssl

    from limen.clock import Clock
    from limen.dpop import Proof, ProofPolicy
    from limen.effects import AnyEffect
    from limen.freshness import Freshness
    from limen.guarantees import Guarantees
    from limen.keyring import Keyring
    from limen.ports import BlockingFeed, BlockingStore
    from limen.principal import Principal
    from limen.verdict import Authenticated, Verdict


class BlockingVerifier:
    """Verifies tokens of a Limen elsewhere, from any thread. Otherwise as `Verifier`.

    There is no background task: a check looks at the log when the last look is older than
    `feed_interval`.
    """

    def __init__(
        self,
        jwks_url: str,
        *,
        issuer: str,
        audience: str,
        feed: str | BlockingStore | None = None,
        lifetime: float = 300,
        leeway: float = 5,
        max_lag: float = DEFAULT_MAX_LAG / 1000,
        feed_interval: float = 0.1,
        remembered: int = REMEMBERED,
        limits: KeyLimits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        proofs: ProofPolicy = DEFAULT_PROOFS,
        replays: BlockingStore | None = None,
    ) -> None:
        """Check every setting; raises `ConfigurationError`. Nothing is read yet."""
        self._parts = assemble(
            jwks_url,
            policy_of(issuer, audience, lifetime, leeway),
            follows=feed is not None,
            max_lag=max_lag,
            feed_interval=feed_interval,
            limits=limits,
            tls=tls,
            clock=clock,
            proofs=proofs,
        )
        self._replays = replays
        self._keys = self._parts.keys
        self._log: BlockingStore | None = blocking_log_at(feed) if isinstance(feed, str) else feed
        self._feed: BlockingFeed | None = None
        if self._log is not None:
            self._feed = blocking_feed_for(
                self._log,
                self._parts.clock,
                max_lag=self._parts.max_lag,
                interval=self._parts.interval,
            )
            self._feed.tell(self._parts.hear)
        self._verified = VerifiedCredentials(self._keys, self._parts.clock, self._feed, remembered)

    @property
    def guarantees(self) -> Guarantees:
        """What is promised: `revocation_window` is in milliseconds after a `revoke`."""
        return self._parts.guarantees

    def close(self) -> None:
        """Let go of the log."""
        if self._feed is not None:
            self._feed.close()
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def require_fresh(self, principal: Principal, wanted: Freshness) -> Refused | None:
        """Say whether a sensitive action must wait for a new sign-in (RFC 9470); `None` if not.

        Judged by what the token says of its sign-in: `auth_time`, `acr` and `amr`.
        """
        return self._parts.require_fresh(principal, wanted)

    def recognise(self, presented: bytes) -> Authenticated | None:
        """Return the verdict on a token that was verified before and still stands."""
        self._keys.keep_up()
        return self._verified.recognise(presented)

    def _known(self, token: str, *, bound: bool) -> Authenticated | None:
        self._keys.keep_up()
        return self._verified.recognise(octets_of(token), bound=bound)

    def authenticate(self, token: str | None, proof: Proof | None = None) -> Verdict:
        """Say who a token stands for; raises `StoreUnavailable` as `Verifier` does."""
        if not isinstance(token, str):
            return Absent() if token is None else Refused(Reason.MALFORMED)
        known = self._known(token, bound=proof is not None)
        if known is not None and proof is None:
            return known
        verdict = drive_blocking(self._parts.judged(token, proof, known), self, None)
        self._parts.mismatches.notice(token, verdict)
        return verdict

    def answer(self, effect: AnyEffect) -> Any:
        """Answer one effect of a flow; called by the driver."""
        match effect:
            case RefreshKeys():
                return self._required_keys()
            case AskFeed():
                return coverage(self._feed, effect)
            case Remember():
                return self._verified.keep(effect)
            case FindRevocation() if self._log is not None:
                return self._log.perform(effect)
            case Increment() if self._replays is not None:
                return self._replays.perform(effect)
            case Increment():
                return self._parts.seen_proofs.count(effect)
            case _:
                raise TypeError(f"a verifier is not asked for {type(effect).__name__}")

    def _required_keys(self) -> Keyring:
        flight = self._keys.fetch()
        if flight is not None:
            concurrent.futures.wait([flight], timeout=self._keys.limits.seconds)
        return self._keys.required()

"""`hybrid`: a short signed token in front, the revocation feed beside it.

Promise: no store read per request, and refused within `max_lag` after `revoke` returned,
also when the feed is cut: a feed that has heard nothing for so long says so, and then the
store itself is asked. When that cannot answer either, the request fails; it is not accepted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import AskFeed, FindRevocation, ask, check, enter
from limen.guarantees import DEFAULT_MAX_LAG, RevocationCheck
from limen.phase import Phase
from limen.revocation import Coverage
from limen.strategies.jwt import DEFAULT_GRACE, JwtStrategy, KeySource
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.claims import Claims, TokenPolicy
    from limen.effects import Flow
    from limen.guarantees import Guarantees
    from limen.session import Lifetimes, SessionLimit


class HybridStrategy(JwtStrategy):
    """Signed tokens with the feed (`check="feed"`) or the log itself (`check="store"`)."""

    name = "hybrid"

    def __init__(
        self,
        keys: KeySource,
        policy: TokenPolicy,
        lifetimes: Lifetimes | None = None,
        *,
        grace: int = DEFAULT_GRACE,
        log_horizon: int = 0,
        max_lag: int = DEFAULT_MAX_LAG,
        revocation_check: RevocationCheck = RevocationCheck.FEED,
        limit: SessionLimit | None = None,
    ) -> None:
        """Make the strategy; times are in milliseconds."""
        # A log entry must outlive every token that it could refuse.
        horizon = max(policy.lifetime + policy.leeway, log_horizon)
        super().__init__(keys, policy, lifetimes, grace=grace, log_horizon=horizon, limit=limit)
        self.max_lag = max_lag
        self.revocation_check = revocation_check

    @property
    def guarantees(self) -> Guarantees:
        """Measured in `max_lag` with the feed, in nothing with the store."""
        feed = self.asks_feed
        return replace(
            super().guarantees,
            check=self.revocation_check,
            store_reads_per_request=0 if feed else 1,
            revocation_window=self.max_lag if feed else 0,
        )

    def _still_meant(self, claims: Claims) -> Flow[Refused | None]:
        yield from enter(Phase.REVOCATION_CHECK)
        question = AskFeed(claims.session_id, claims.subject, claims.key_id, claims.issued_at)
        coverage = Coverage.STALE
        if self.asks_feed:
            coverage = yield from ask(question)
            yield from check("feed is fresh", coverage is not Coverage.STALE)
        if coverage is Coverage.STALE:
            refused = yield from ask(
                FindRevocation(
                    question.session_id, question.subject, question.key_id, question.issued_at
                )
            )
            coverage = Coverage.COVERED if refused else Coverage.CLEAR
        clear = coverage is Coverage.CLEAR
        if not (yield from check("not revoked", clear, Reason.REVOKED)):
            return Refused(Reason.REVOKED)
        return None

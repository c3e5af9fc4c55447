"""`session`: the credential is a random id that means nothing without the store.

Promise: a request that starts after `revoke` returned is refused. Always. With
`check="feed"` a row is read once a minute at most and the feed stands in for it meanwhile;
then the promise is that of `hybrid`: refused within `max_lag`, also when the feed is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.claims import DEFAULT_LEEWAY
from limen.effects import (
    AskPosition,
    AttachCredential,
    FindSession,
    Remember,
    Revoke,
    TouchSession,
    ask,
    check,
    enter,
    note,
)
from limen.entropy import random_text
from limen.evidence import Count, Duration, Hidden, Public
from limen.guarantees import DEFAULT_MAX_LAG, Format, Guarantees, Receipt, RevocationCheck
from limen.phase import Phase
from limen.principal import Client, Principal
from limen.secret import Secret
from limen.session import (
    CREDENTIAL_OCTETS,
    SESSION_PREFIX,
    Lifetimes,
    Session,
    Standing,
    looks_like,
    refusal_of,
)
from limen.strategies.opening import Terms, new_session, opened
from limen.verdict import Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.principal import Authentication
    from limen.revocation import Target
    from limen.session import SessionLimit
    from limen.verdict import Verdict


class SessionStrategy:
    """An opaque id, looked up by its SHA-256; nothing else tells the server who you are."""

    name = "session"

    def __init__(
        self,
        lifetimes: Lifetimes | None = None,
        *,
        log_horizon: int = 0,
        max_lag: int = DEFAULT_MAX_LAG,
        revocation_check: RevocationCheck = RevocationCheck.STORE,
        limit: SessionLimit | None = None,
    ) -> None:
        """Make the strategy; times are in milliseconds.

        `log_horizon` is set while another strategy with signed tokens is accepted too: a
        session may then have a token that only the revocation log can refuse.
        """
        self.lifetimes = lifetimes or Lifetimes()
        self.limit = limit
        self.max_lag = max_lag
        self.revocation_check = revocation_check
        # An entry must outlive every row that a process remembers.
        rows = self.lifetimes.touch_every + DEFAULT_LEEWAY if self.asks_feed else 0
        self.horizon = max(log_horizon, rows)

    @property
    def guarantees(self) -> Guarantees:
        """One read a request buys a revocation that no request outlives."""
        return Guarantees(
            format=Format.REFERENCE,
            check=self.revocation_check,
            store_reads_per_request=0 if self.asks_feed else 1,
            revocation_window=self.max_lag if self.asks_feed else 0,
            idle=self.lifetimes.idle,
            absolute=self.lifetimes.absolute,
            needs_store=True,
        )

    @property
    def asks_feed(self) -> bool:
        """Whether this process must follow the revocation log."""
        return self.revocation_check is RevocationCheck.FEED

    def recognises(self, presented: Secret) -> bool:
        """Tell whether this has the prefix, length and alphabet of a session id."""
        return looks_like(presented.reveal(), SESSION_PREFIX)

    def issue(
        self,
        authentication: Authentication,
        client: Client,
        now: int,
        entropy: Entropy,
        *,
        remembered: bool = True,
        replaces: str | None = None,
    ) -> Flow[Issued | Refused]:
        """Draw a new id and keep its digest: the id itself exists only at the client."""
        yield from enter(Phase.CREDENTIAL_ISSUE)
        session = new_session(
            self.name,
            self.lifetimes,
            authentication,
            client,
            now,
            entropy,
            remembered=remembered,
        )
        access = Secret(SESSION_PREFIX + random_text(entropy, CREDENTIAL_OCTETS))
        kept = yield from opened(
            session,
            authentication,
            Terms(self.limit, self.horizon),
            replaces=replaces,
            reference=access.digest(),
        )
        if isinstance(kept, Refused):
            return kept
        yield from note("credential", Hidden(access, "session"))
        return self._issued(kept, access, authentication.roles)

    def continue_session(
        self, session: Session, now: int, entropy: Entropy
    ) -> Flow[Issued | Refused]:
        """Give a session that began under another strategy an id of its own."""
        yield from enter(Phase.CREDENTIAL_ISSUE)
        access = Secret(SESSION_PREFIX + random_text(entropy, CREDENTIAL_OCTETS))
        standing = yield from ask(
            AttachCredential(session.id, self.name, now, reference=access.digest())
        )
        if standing is None:
            yield from check("session exists", False, Reason.UNKNOWN_SESSION)
            return Refused(Reason.UNKNOWN_SESSION)
        yield from note("credential", Hidden(access, "session"))
        return self._issued(standing.session, access, standing.roles)

    def authenticate(
        self, presented: Secret, now: int, proven_key: str | None = None
    ) -> Flow[Verdict]:
        """Look the id up, apply both lifetimes, and write the use down when it is due."""
        # Before the store is asked: what it says is at least as new as this.
        position = (yield from ask(AskPosition())) if self.asks_feed else None
        standing = yield from self._find(presented, now, proven_key)
        if isinstance(standing, Refused):
            return standing
        session = standing.session
        touched_at = session.used_at
        if now - touched_at >= self.lifetimes.touch_every:
            yield from enter(Phase.REFRESH)
            alive = yield from ask(TouchSession(session.id, now))
            if not (yield from check("still there", alive, Reason.UNKNOWN_SESSION)):
                return Refused(Reason.UNKNOWN_SESSION)
            touched_at = now
        yield from enter(Phase.PRINCIPAL_LOAD)
        yield from note("subject", Public(session.subject))
        yield from note("source", Public("the session row and its account"))
        verdict = Authenticated(principal_of(self.name, session, standing.roles, session.ends_at))
        if position is not None:
            until = min(touched_at + self.lifetimes.touch_every, session.ends_at)
            yield from ask(Remember(presented, verdict, until, asks_feed=True, position=position))
        return verdict

    def accepted(self, standing: Standing) -> tuple[Authenticated, int] | None:
        """Return the verdict of `authenticate` on a row, and until when it asks for no more.

        From then on, in milliseconds, there is something to refuse or to write down. `None`
        if there is already, whatever the time, or a proof is to be judged besides.
        """
        session = standing.session
        if standing.disabled or session.bound_to is not None:
            return None
        until = min(session.used_at + self.lifetimes.touch_every, session.ends_at)
        roles, ends_at = standing.roles, session.ends_at
        return Authenticated(principal_of(self.name, session, roles, ends_at)), until

    def renew(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Slide the idle end now; the id stays, because a reference never expires early."""
        del entropy
        standing = yield from self._find(presented, now, proven_key)
        if isinstance(standing, Refused):
            return standing
        yield from enter(Phase.REFRESH)
        alive = yield from ask(TouchSession(standing.session.id, now))
        if not (yield from check("still there", alive, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        fresh = yield from ask(FindSession(id=standing.session.id))
        if fresh is None:
            yield from check("still there", False, Reason.UNKNOWN_SESSION)
            return Refused(Reason.UNKNOWN_SESSION)
        return self._issued(fresh.session, presented, fresh.roles)

    def recall(self, presented: Secret, now: int, proven_key: str | None = None) -> Flow[Verdict]:
        """Say who a session id stands for without sliding its idle end."""
        standing = yield from self._find(presented, now, proven_key)
        if isinstance(standing, Refused):
            return standing
        session = standing.session
        return Authenticated(principal_of(self.name, session, standing.roles, session.ends_at))

    def reissue(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Do what `renew` does: a session id is never used up."""
        return (yield from self.renew(presented, now, entropy, proven_key))

    def revoke(self, target: Target, now: int) -> Flow[Receipt]:
        """Delete the rows: the next request finds nothing."""
        yield from enter(Phase.CREDENTIAL_REVOKE, {"target": Public(target.kind.value)})
        ended = yield from ask(Revoke(target, now, self.horizon))
        yield from note("sessions", Count(ended.sessions))
        return Receipt(sessions_ended=ended.sessions, effective_at=now)

    def _find(
        self, presented: Secret, now: int, proven_key: str | None
    ) -> Flow[Standing | Refused]:
        yield from enter(Phase.CREDENTIAL_VALIDATE, {"credential": Hidden(presented, "session")})
        if not (yield from check("shape", self.recognises(presented), Reason.MALFORMED)):
            return Refused(Reason.MALFORMED)
        standing = yield from ask(FindSession(digest=presented.digest()))
        return (yield from judged_for(standing, now, proven_key))

    def _issued(self, session: Session, access: Secret, roles: frozenset[str]) -> Issued:
        ends_at = session.ends_at
        return Issued(
            principal=principal_of(self.name, session, roles, ends_at),
            access=access,
            access_expires_at=ends_at,
            session=session,
            remembered=session.remembered,
        )


# -- shared with the signed strategies, whose refresh families are sessions too


def principal_of(
    strategy: str, session: Session, roles: frozenset[str], expires_at: int
) -> Principal:
    """Return who a session acts for, with the roles that its account has now."""
    return Principal(
        subject=session.subject,
        session_id=session.id,
        strategy=strategy,
        authenticated_at=session.authenticated_at,
        expires_at=expires_at,
        methods=session.methods,
        roles=roles,
        issued_at=session.created_at,
        bound_to=session.bound_to,
    )


def judged(standing: Standing | None, now: int) -> Flow[Standing | Refused]:
    """Apply both lifetimes and the account's state to what the store knows (ASVS 7.3, 7.4.2)."""
    reason = refusal_of(standing, now)
    if standing is None:
        yield from check("session exists", False, reason)
        return Refused(Reason.UNKNOWN_SESSION)
    session = standing.session
    left = Duration((session.expires_at - now) / 1000)
    idle_left = Duration((session.used_at + session.idle - now) / 1000)
    yield from check("session exists", True)
    if not (yield from check("absolute lifetime", reason is not Reason.ENDED, reason, left)):
        return Refused(Reason.ENDED)
    if not (yield from check("idle lifetime", reason is not Reason.IDLE, reason, idle_left)):
        return Refused(Reason.IDLE)
    enabled = reason is not Reason.ACCOUNT_DISABLED
    if not (yield from check("account enabled", enabled, reason)):
        return Refused(Reason.ACCOUNT_DISABLED)
    return standing


def judged_for(
    standing: Standing | None, now: int, proven_key: str | None
) -> Flow[Standing | Refused]:
    """Apply what `judged` does, and then whether this client may use the session at all."""
    found = yield from judged(standing, now)
    if isinstance(found, Refused):
        return found
    refused = yield from holder_proven(found.session.bound_to, proven_key)
    return refused or found


def holder_proven(bound_to: str | None, proven_key: str | None) -> Flow[Refused | None]:
    """Ask for the key that a credential is bound to, and for no proof where it is not bound.

    A client that proves a key for a credential without one is refused as well: it takes the
    credential for a better one than it is (RFC 9449 section 7.1).
    """
    if bound_to is None and proven_key is None:
        return None
    reason = Reason.NOT_BOUND if bound_to is None else Reason.UNPROVEN
    if (yield from check("bound to the proven key", bound_to == proven_key, reason)):
        return None
    return Refused(reason)


def again(known: Authenticated, proven_key: str) -> Flow[Verdict]:
    """Give the verdict on a bound credential again, for a client that has proved a key anew."""
    refused = yield from holder_proven(known.principal.bound_to, proven_key)
    return refused or known

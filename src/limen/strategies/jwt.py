"""`jwt`: the credential is a signed statement, and nothing is asked until it expires.

Promise: nothing is read or written per request. A copied token works until `exp`, and
`revoke` says so in its receipt. What can be ended at once is the refresh family behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from limen.claims import Claims, Examination, examine, mint
from limen.effects import (
    AttachCredential,
    FindRefresh,
    FindSession,
    RefreshKeys,
    Remember,
    Revoke,
    RotateRefresh,
    ask,
    check,
    enter,
    note,
)
from limen.entropy import random_text
from limen.evidence import Checks, Count, Hidden, Public
from limen.family import Repeated, Replayed, Superseded, Unproven
from limen.guarantees import Format, Guarantees, Receipt, RevocationCheck
from limen.phase import Phase
from limen.principal import Principal
from limen.sealing import NONCE_OCTETS, open_under, seal_under
from limen.secret import Secret
from limen.session import (
    CREDENTIAL_OCTETS,
    REFRESH_PREFIX,
    Lifetimes,
    Session,
    looks_like,
)
from limen.strategies.opening import Terms, new_session, opened
from limen.strategies.session import holder_proven, judged_for, principal_of
from limen.verdict import Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.claims import TokenPolicy
    from limen.effects import Flow
    from limen.entropy import Entropy
    from limen.keyring import Keyring
    from limen.principal import Authentication, Client
    from limen.revocation import Target
    from limen.session import SessionLimit, Standing
    from limen.verdict import Verdict

TOKEN_ID_OCTETS = 16
# How long a retry with the previous refresh token receives the same successor.
DEFAULT_GRACE = 10_000


class KeySource(Protocol):
    """Knows the keyring of this process; whoever keeps it replaces it when keys rotate."""

    @property
    def keyring(self) -> Keyring:
        """The keys of this moment."""
        ...

    def inherits(self, key_id: str | None) -> bool:
        """Tell whether a key is from a time without a store."""
        ...


class JwtStrategy:
    """A short signed access token and, unless `refresh` is false, a rotating refresh token."""

    name = "jwt"
    revocation_check = RevocationCheck.EXPIRY

    def __init__(
        self,
        keys: KeySource,
        policy: TokenPolicy,
        lifetimes: Lifetimes | None = None,
        *,
        refresh: bool = True,
        grace: int = DEFAULT_GRACE,
        log_horizon: int = 0,
        limit: SessionLimit | None = None,
    ) -> None:
        """Make the strategy; `policy.lifetime` and `grace` are in milliseconds."""
        self.keys = keys
        self.policy = policy
        self.lifetimes = lifetimes or Lifetimes()
        self.refresh = refresh
        self.grace = grace
        self.horizon = log_horizon
        self.limit = limit

    @property
    def guarantees(self) -> Guarantees:
        """No read and no revocation before `exp`."""
        return Guarantees(
            format=Format.SIGNED,
            check=self.revocation_check,
            store_reads_per_request=0,
            revocation_window=self.policy.lifetime,
            idle=self.lifetimes.idle if self.refresh else None,
            absolute=self.lifetimes.absolute if self.refresh else self.policy.lifetime,
            needs_store=self.refresh,
        )

    @property
    def asks_feed(self) -> bool:
        """Whether this process must follow the revocation log."""
        return self.revocation_check is RevocationCheck.FEED

    def recognises(self, presented: Secret) -> bool:
        """Tell whether this could be one of our tokens or refresh tokens."""
        text = presented.reveal()
        return text.startswith(("ey", REFRESH_PREFIX))

    # -- issue

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
        """Sign a token; keep a refresh family if there is one, else write nothing at all."""
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
        if not self.refresh:
            session = replace(session, expires_at=now + self.policy.lifetime)
            issued = yield from self._sign(session, authentication.roles, now, entropy)
            return replace(issued, session=None)
        refresh = _new_refresh_token(entropy)
        kept = yield from opened(
            session,
            authentication,
            Terms(self.limit, self.horizon),
            replaces=replaces,
            refresh=refresh.digest(),
        )
        if isinstance(kept, Refused):
            return kept
        issued = yield from self._sign(kept, authentication.roles, now, entropy)
        return _with_refresh(issued, refresh)

    def continue_session(
        self, session: Session, now: int, entropy: Entropy
    ) -> Flow[Issued | Refused]:
        """Give a session that began under another strategy a token and a family."""
        yield from enter(Phase.CREDENTIAL_ISSUE)
        if not self.refresh:
            found = yield from ask(FindSession(id=session.id))
            if not (yield from check("session exists", found is not None, Reason.UNKNOWN_SESSION)):
                return Refused(Reason.UNKNOWN_SESSION)
            roles = found.roles if found else frozenset[str]()
            return (yield from self._sign(session, roles, now, entropy))
        refresh = _new_refresh_token(entropy)
        standing = yield from ask(
            AttachCredential(session.id, self.name, now, refresh=refresh.digest())
        )
        if standing is None:
            yield from check("session exists", False, Reason.UNKNOWN_SESSION)
            return Refused(Reason.UNKNOWN_SESSION)
        issued = yield from self._sign(standing.session, standing.roles, now, entropy)
        return _with_refresh(issued, refresh)

    def _sign(
        self,
        session: Session,
        roles: frozenset[str],
        now: int,
        entropy: Entropy,
        lifetime: int | None = None,
    ) -> Flow[Issued]:
        # A token never outlives its session, nor begins before it: `created_at` may lie a
        # moment ahead of this clock after "sign out everywhere" (see OpenSession).
        issued_at = max(now, session.created_at)
        expires_at = min(now + (lifetime or self.policy.lifetime), session.ends_at)
        key = self.keys.keyring.signing
        access = mint(
            self.policy,
            key,
            subject=session.subject,
            session_id=session.id,
            token_id=random_text(entropy, TOKEN_ID_OCTETS),
            issued_at=issued_at,
            expires_at=expires_at,
            authenticated_at=session.authenticated_at,
            methods=session.methods,
            roles=roles,
            bound_to=session.bound_to,
        )
        yield from note("credential", Hidden(access, "token"))
        yield from note("alg", Public(key.algorithm))
        yield from note("kid", Public(key.id))
        return Issued(
            principal=replace(
                principal_of(self.name, session, roles, expires_at),
                key_id=key.id,
                issued_at=issued_at,
            ),
            access=access,
            access_expires_at=expires_at,
            session=session,
            remembered=session.remembered,
        )

    # -- authenticate

    def authenticate(
        self, presented: Secret, now: int, proven_key: str | None = None
    ) -> Flow[Verdict]:
        """Apply every rule to the token in order; the first that fails refuses it."""
        yield from enter(Phase.CREDENTIAL_VALIDATE, {"credential": Hidden(presented, "token")})
        examination, keyring = yield from self._examine(presented, now)
        yield Checks(examination.checks)
        claims = examination.claims
        if claims is None:
            return Refused(examination.reason or Reason.MALFORMED)
        refused = yield from holder_proven(claims.bound_to, proven_key)
        if refused is not None:
            return refused
        meant = yield from self._still_meant(claims)
        if isinstance(meant, Refused):
            return meant
        yield from enter(Phase.PRINCIPAL_LOAD)
        yield from note("subject", Public(claims.subject))
        yield from note("source", Public("the token's claims"))
        verdict = Authenticated(
            Principal(
                subject=claims.subject,
                session_id=claims.session_id,
                strategy=self.name,
                authenticated_at=claims.authenticated_at,
                expires_at=claims.expires_at,
                methods=claims.methods,
                roles=claims.roles,
                key_id=claims.key_id,
                issued_at=claims.issued_at,
                bound_to=claims.bound_to,
            )
        )
        if self.revocation_check is not RevocationCheck.STORE:
            until, feed = claims.expires_at, self.asks_feed
            yield from ask(Remember(presented, verdict, until, asks_feed=feed, keyring=keyring))
        return verdict

    def _examine(self, presented: Secret, now: int) -> Flow[tuple[Examination, Keyring]]:
        keyring = self.keys.keyring
        examination = examine(presented.reveal(), keyring, self.policy, now)
        if examination.reason is Reason.UNKNOWN_KEY:
            # Another process may have rotated; ask for newer keys once, then look again.
            keyring = yield from ask(RefreshKeys())
            examination = examine(presented.reveal(), keyring, self.policy, now)
        return examination, keyring

    def _still_meant(self, claims: Claims) -> Flow[Refused | None]:
        """Ask whether the server still means what it signed. This strategy does not ask."""
        del claims
        yield from ()
        return None

    # -- renew

    def renew(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Rotate a refresh token: exactly one successor, however many tabs ask at once."""
        yield from enter(Phase.REFRESH, {"credential": Hidden(presented, "refresh")})
        if not (yield from check("shape", self._is_refresh(presented), Reason.MALFORMED)):
            return Refused(Reason.MALFORMED)
        successor = _new_refresh_token(entropy)
        rotation = yield from ask(
            RotateRefresh(
                digest=presented.digest(),
                successor=successor.digest(),
                sealed_successor=seal_under(
                    presented, successor.reveal().encode("ascii"), entropy.octets(NONCE_OCTETS)
                ),
                now=now,
                grace=self.grace,
                horizon=self.horizon,
                proven_key=proven_key,
            )
        )
        if isinstance(rotation, Unproven):
            yield from check("bound to the proven key", False, Reason.UNPROVEN)
            return Refused(Reason.UNPROVEN)
        if not (yield from check("family lives", rotation is not None, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        if isinstance(rotation, Replayed):
            # RFC 9700 section 4.14.2: somebody holds a copy, so nobody keeps the family.
            yield from check("first use", False, Reason.REPLAYED)
            return Refused(Reason.REPLAYED)
        if isinstance(rotation, Superseded):
            yield from check("newest of its family", False, Reason.SUPERSEDED)
            return Refused(Reason.SUPERSEDED)
        assert rotation is not None  # noqa: S101 - for the type checker: checked above
        if isinstance(rotation, Repeated):
            successor = Secret(open_under(presented, rotation.sealed_successor).decode("ascii"))
        yield from note("repeated", Public(isinstance(rotation, Repeated)))
        yield from note("successor", Hidden(successor, "refresh"))
        standing = rotation.standing
        issued = yield from self._sign(standing.session, standing.roles, now, entropy)
        return _with_refresh(issued, successor)

    def recall(self, presented: Secret, now: int, proven_key: str | None = None) -> Flow[Verdict]:
        """Say who the live refresh token of a family stands for, and rotate nothing.

        For whoever may not change anything, such as a prefetch.
        """
        standing = yield from self._find(presented, now, proven_key)
        if isinstance(standing, Refused):
            return standing
        yield from enter(Phase.PRINCIPAL_LOAD)
        yield from note("source", Public("the session row and its account"))
        session = standing.session
        return Authenticated(principal_of(self.name, session, standing.roles, session.ends_at))

    def reissue(
        self, presented: Secret, now: int, entropy: Entropy, proven_key: str | None = None
    ) -> Flow[Issued | Refused]:
        """Sign another access token for the live refresh token of a family, and keep that.

        A safe request must not rotate (a prefetch could), yet its page should neither lose
        its session nor cost a read each time once the access token has expired. Repeating
        it harms nothing, and the idle end slides as it does for `session`. The token lives
        half as long as others: whoever only reads is soon due for a rotation all the same.
        """
        standing = yield from self._find(presented, now, proven_key)
        if isinstance(standing, Refused):
            return standing
        # Recorded before signing: a revocation that waits for this moment covers the token.
        used = yield from ask(AttachCredential(standing.session.id, None, now))
        if used is None:
            yield from check("still there", False, Reason.UNKNOWN_SESSION)
            return Refused(Reason.UNKNOWN_SESSION)
        half = self.policy.lifetime // 2
        return (yield from self._sign(used.session, used.roles, now, entropy, half))

    def _find(
        self, presented: Secret, now: int, proven_key: str | None
    ) -> Flow[Standing | Refused]:
        yield from enter(Phase.REFRESH, {"credential": Hidden(presented, "refresh")})
        if not (yield from check("shape", self._is_refresh(presented), Reason.MALFORMED)):
            return Refused(Reason.MALFORMED)
        standing = yield from ask(FindRefresh(presented.digest(), now, self.grace))
        return (yield from judged_for(standing, now, proven_key))

    def _is_refresh(self, presented: Secret) -> bool:
        return self.refresh and looks_like(presented.reveal(), REFRESH_PREFIX)

    # -- revoke

    def revoke(self, target: Target, now: int) -> Flow[Receipt]:
        """End the refresh families; signed tokens work on until they expire, and that is said."""
        yield from enter(Phase.CREDENTIAL_REVOKE, {"target": Public(target.kind.value)})
        if not self.refresh:
            return Receipt(sessions_ended=None, effective_at=now + self.policy.lifetime)
        ended = yield from ask(Revoke(target, now, self.horizon))
        yield from note("sessions", Count(ended.sessions))
        return Receipt(
            sessions_ended=ended.sessions, effective_at=now + self.guarantees.revocation_window
        )


def _new_refresh_token(entropy: Entropy) -> Secret:
    return Secret(REFRESH_PREFIX + random_text(entropy, CREDENTIAL_OCTETS))


def _with_refresh(issued: Issued, refresh: Secret) -> Issued:
    session = issued.session
    return replace(issued, refresh=refresh, refresh_expires_at=session.ends_at if session else None)

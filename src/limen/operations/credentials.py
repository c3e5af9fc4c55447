"""Checking, renewing and exchanging what a client presents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from limen.audit import AuditKind
from limen.claims import mint
from limen.effects import (
    AttachCredential,
    FindRevocation,
    FindSession,
    Increment,
    ask,
    check,
    enter,
    note,
    record,
)
from limen.entropy import random_text
from limen.evidence import Duration, Hidden, Public
from limen.guarantees import RevocationCheck
from limen.operations.parts import Composed
from limen.phase import Phase
from limen.principal import Authentication, Client, Principal
from limen.secret import Secret
from limen.session import REFRESH_PREFIX, refusal_of
from limen.strategies.jwt import TOKEN_ID_OCTETS
from limen.strategies.session import again
from limen.verdict import NEVER_ISSUED, NOT_OURS, Absent, Authenticated, Issued, Reason, Refused

if TYPE_CHECKING:
    from limen.dpop import Proof
    from limen.effects import Flow
    from limen.evidence import CredentialKind
    from limen.strategies.base import Strategy
    from limen.verdict import Verdict


R = TypeVar("R")
_SUSPECT: Final = frozenset(
    {Reason.BAD_PROOF, Reason.PROOF_REPLAYED, Reason.UNPROVEN, Reason.NOT_BOUND}
)


class Credentials(Composed):
    """What a credential stands for, and what takes its place."""

    def authenticate(
        self,
        presented: object,
        proof: Proof | None = None,
        known: Authenticated | None = None,
    ) -> Flow[Verdict]:
        """Say who a credential stands for; anything but text is refused.

        One that is bound to a key is refused without a `proof` by that key, about this very
        request and credential, that was not used before; and one that is not bound with one.
        `known` is the verdict of this process on the same credential a moment ago.
        """
        if presented is None:
            return Absent()
        secret = secret_of(presented)
        if proof is None:
            return (yield from self._told((yield from self._verdict_on(secret))))
        parts, now = self._parts, self._parts.clock.now()

        def judged_for(proven_key: str) -> Flow[Verdict]:
            if known is not None:
                return again(known, proven_key)
            return self._verdict_on(secret, proven_key)

        accepted = yield from parts.proofs.accept(proof, secret.reveal(), now, judged_for)
        return (yield from self._told(accepted))

    def prove(self, proof: Proof, *, uses_up: bool = True) -> Flow[str | Refused]:
        """Return the thumbprint of the key whose holder made a proof, and use the proof up.

        For a sign-in: `Client(proven_key=...)` binds what it gets. Refused with `BAD_PROOF`,
        `PROOF_REPLAYED`, or `NONCE_NEEDED` if it has to contain a newer nonce.

        With `uses_up=False` the store is not written to, and a copy of the proof passes for as
        long as it is recent: for what does no more when it is done again, such as a sign-out.
        """
        now = self._parts.clock.now()
        proven = yield from self._parts.proofs.prove(proof, now, uses_up=uses_up)
        return (yield from self._told(proven))

    def _told(self, outcome: R) -> Flow[R]:
        """Tell the audit log of what only an attacker, or a broken client, comes with; go on.

        A credential that was never handed out, or one without the key that it needs. That a
        proof lacks a nonce is how every client begins; and what has no shape of ours may be of
        a server that is being left.
        """
        if isinstance(outcome, Refused):
            never = NEVER_ISSUED - NOT_OURS if self._parts.elsewhere else NEVER_ISSUED
            if outcome.reason in _SUSPECT:
                yield from record(AuditKind.PROOF_REFUSED, reason=outcome.reason)
            elif outcome.reason in never:
                yield from record(AuditKind.CREDENTIAL_REFUSED, reason=outcome.reason)
        return outcome

    def recognised(self, presented: str, verdict: Authenticated) -> Flow[None]:
        """Tell the trace that a verdict was given again; see `limen.verified`."""
        who = verdict.principal
        kind: CredentialKind = "session" if who.key_id is None else "token"
        yield from enter(Phase.CREDENTIAL_VALIDATE, {"credential": Hidden(Secret(presented), kind)})
        yield from check("verified before", True)
        if who.key_id is not None:
            left = Duration((who.expires_at - self._parts.clock.now()) / 1000)
            yield from check("exp", True, detail=left)
        if any(
            one.name == who.strategy and one.guarantees.check is RevocationCheck.FEED
            for one in self._parts.strategies
        ):
            yield from enter(Phase.REVOCATION_CHECK)
            yield from check("feed is fresh", True)
            yield from check("not revoked", True)
        yield from enter(Phase.PRINCIPAL_LOAD)
        yield from note("subject", Public(who.subject))
        yield from note("source", Public("what this process verified before"))

    def recall(self, presented: str, *, proven_key: str | None = None) -> Flow[Verdict]:
        """Say who a refresh token stands for, without using it up.

        `proven_key` is what `prove` returned for this request, here and below.
        """
        now, secret = self._parts.clock.now(), secret_of(presented)
        strategy = self._strategy_for(secret)
        if strategy is None:
            return (yield from _unrecognised())
        return (yield from strategy.recall(secret, now, proven_key))

    def reissue(self, presented: str, *, proven_key: str | None = None) -> Flow[Issued | Refused]:
        """Sign another access token for a refresh token, without using it up."""
        parts, now, secret = self._parts, self._parts.clock.now(), secret_of(presented)
        strategy = self._strategy_for(secret)
        if strategy is None:
            return (yield from _unrecognised())
        issued = yield from strategy.reissue(secret, now, parts.entropy, proven_key)
        return (yield from self._told(issued))

    def refresh(self, presented: str, *, proven_key: str | None = None) -> Flow[Issued | Refused]:
        """Trade a refresh token, or slide a session, for what the client holds from now on.

        What is bound to a key stays so. Without that key it is refused, and nothing changes:
        neither does it rotate, nor does a token used long ago end its family.
        """
        parts, now, secret = self._parts, self._parts.clock.now(), secret_of(presented)
        strategy = self._strategy_for(secret)
        if strategy is None:
            return (yield from _unrecognised())
        renewed = yield from strategy.renew(secret, now, parts.entropy, proven_key)
        yield from self._told(renewed)
        if isinstance(renewed, Refused) or strategy is parts.primary:
            return renewed
        newer = renewed.refresh.reveal() if renewed.refresh else None
        return (yield from self.exchange(renewed.principal, newer))

    def exchange(self, principal: Principal, refresh: str | None = None) -> Flow[Issued | Refused]:
        """Give somebody with an accepted credential one of the primary strategy.

        The session stays the same, and so do its absolute end and its place in the device
        list; the old credential stays valid to its own end, so that a second tab that still
        holds it is not signed out.

        Whoever came with a signed token must hold the refresh token too: a stolen token of
        five minutes must not turn into a session of weeks.
        """
        yield from enter(Phase.REFRESH)
        parts, now = self._parts, self._parts.clock.now()
        if parts.keys.inherits(principal.key_id):
            return (yield from self._adopt(principal))
        if principal.key_id is not None:
            recalled: Verdict = Absent()
            if refresh is not None:
                recalled = yield from self.recall(refresh, proven_key=principal.bound_to)
            same = (
                isinstance(recalled, Authenticated)
                and recalled.principal.session_id == principal.session_id
            )
            if not (yield from check("holds the refresh token", same, Reason.UNKNOWN_SESSION)):
                return Refused(Reason.UNKNOWN_SESSION)
        standing = yield from ask(FindSession(id=principal.session_id))
        alive = standing is not None
        if not (yield from check("session exists", alive, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        assert standing is not None  # noqa: S101 - for the type checker: checked above
        return (yield from parts.primary.continue_session(standing.session, now, parts.entropy))

    def _adopt(self, principal: Principal) -> Flow[Issued | Refused]:
        """Open a session for a token from a time without a store, which had none."""
        parts, now = self._parts, self._parts.clock.now()
        at = principal.authenticated_at
        revoked = yield from ask(
            FindRevocation(principal.session_id, principal.subject, principal.key_id, at)
        )
        if not (yield from check("not revoked", not revoked, Reason.REVOKED)):
            return Refused(Reason.REVOKED)
        # Once for each token: a copy of it must not open one session after the other.
        tally = yield from ask(Increment(f"adopt:{principal.session_id}", self._horizon, now))
        if not (yield from check("not adopted before", tally.count == 1, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        proven = Authentication(principal.subject, at, principal.methods, principal.roles)
        return (
            yield from parts.primary.issue(
                proven, Client(proven_key=principal.bound_to), now, parts.entropy
            )
        )

    def is_outdated(self, principal: Principal) -> bool:
        """Tell whether a credential should be exchanged for one of the primary strategy."""
        parts = self._parts
        return principal.strategy != parts.primary.name or parts.keys.inherits(principal.key_id)

    def service_token(self, principal: Principal) -> Flow[Secret | Refused]:
        """Return a short signed token for other services, for whatever strategy (RFC 9068).

        It names the session, so a service that follows the revocation feed can refuse it.
        Refused if the session has ended.
        """
        yield from enter(Phase.CREDENTIAL_ISSUE)
        parts, now = self._parts, self._parts.clock.now()
        issued_at, roles = now, principal.roles
        if parts.keeps and not parts.keys.inherits(principal.key_id):
            # Recorded before signing, so that a revocation under way covers this token too.
            used = yield from ask(AttachCredential(principal.session_id, None, now))
            reason = refusal_of(used, now)
            yield from check("session stands", reason is None, reason)
            if used is None or reason is not None:
                return Refused(reason or Reason.UNKNOWN_SESSION)
            issued_at, roles = max(now, used.session.created_at), used.roles
        return mint(
            parts.policy,
            parts.keys.keyring.signing,
            subject=principal.subject,
            session_id=principal.session_id,
            token_id=random_text(parts.entropy, TOKEN_ID_OCTETS),
            issued_at=issued_at,
            expires_at=min(issued_at + parts.policy.lifetime, principal.expires_at),
            authenticated_at=principal.authenticated_at,
            methods=principal.methods,
            roles=roles,
            bound_to=principal.bound_to,
        )

    def _strategy_for(self, presented: Secret) -> Strategy | None:
        for strategy in self._parts.strategies:
            if strategy.recognises(presented):
                return strategy
        return None

    def _verdict_on(
        self, presented: Secret, proven_key: str | None = None, *, renewing: bool = False
    ) -> Flow[Verdict]:
        now = self._parts.clock.now()
        # The first that recognises it decides: asking the next would let a token that
        # `hybrid` found revoked pass as one of `jwt`.
        strategy = self._strategy_for(presented)
        if strategy is None:
            return (yield from _unrecognised())
        if renewing and presented.reveal().startswith(REFRESH_PREFIX):
            return (yield from strategy.recall(presented, now, proven_key))
        return (yield from strategy.authenticate(presented, now, proven_key))


def secret_of(presented: object) -> Secret:
    """Return what a caller hands in, and for what is no text the empty one, which nobody has."""
    return Secret(presented if isinstance(presented, str) else "")


def _unrecognised() -> Flow[Refused]:
    """Refuse what has the shape of no credential, and say so in the trace."""
    yield from enter(Phase.CREDENTIAL_VALIDATE)
    yield from check("recognised", False, Reason.UNRECOGNISED)
    return Refused(Reason.UNRECOGNISED)

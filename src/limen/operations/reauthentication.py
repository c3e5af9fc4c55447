"""Proving again who one is, and asking whether that was done a moment ago."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.audit import AuditKind
from limen.effects import FindSession, Revoke, ask, check, enter, record
from limen.operations.proving import Proving, SignedIn
from limen.phase import Phase
from limen.principal import Authentication, Client
from limen.revocation import Target
from limen.secret import Secret
from limen.strategies.session import judged
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.effects import Flow
    from limen.freshness import Freshness
    from limen.principal import Principal
    from limen.verdict import Issued


class Reauthentication(Proving):
    """What renews a sign-in, and what asks for one that is new."""

    def reauthenticate(
        self,
        principal: Principal,
        password: str,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[SignedIn | Refused]:
        """Judge the password of somebody who is signed in, and renew their sign-in.

        The session goes on under a new handle and new credentials: what the client held until
        now ends in the same step (ASVS 7.2.4), and both lifetimes begin anew. Refused with
        `BAD_CREDENTIALS`, `THROTTLED` (the budget is that of a sign-in), `ACCOUNT_CHANGED`, or
        `UNKNOWN_SESSION` if the session has ended.
        """
        self._need_store("accounts")
        parts = self._parts
        confirmed = yield from parts.passwords.confirm(
            principal.subject, Secret(password), parts.clock.now()
        )
        if isinstance(confirmed, Refused):
            return confirmed
        account = confirmed.account
        proven = Authentication(
            account.id, parts.clock.now(), ("pwd",), account.roles, account.revision
        )
        return (yield from self._renewed(principal, proven, account, client))

    def renew(
        self,
        principal: Principal,
        authentication: Authentication,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[SignedIn | Refused]:
        """Renew the sign-in of somebody whom you have authenticated again yourself.

        Such as by a code, a key or a provider: state every method that was used this time.
        Refused as `reauthenticate`, and with `BAD_CREDENTIALS` for another person than the one
        who is signed in. The roles are those of the account, where Limen keeps it.
        """
        return (yield from self._renewed(principal, authentication, None, client))

    def require_fresh(self, principal: Principal, wanted: Freshness) -> Flow[Refused | None]:
        """Say whether a sensitive action must wait for a new proof; `None` if it need not.

        Refused with `NOT_FRESH` or `TOO_WEAK`. Where a signed token or a remembered row stands
        for a session, the store is asked as well, so that none that was revoked passes within
        its window: then it is refused as the session is.
        """
        yield from enter(Phase.AUTHZ_DECIDE)
        reason = wanted.reason(principal, self._parts.clock.now())
        recent = reason is not Reason.NOT_FRESH
        if (yield from check("signed in a moment ago", recent, Reason.NOT_FRESH)):
            yield from check("signed in strongly enough", reason is None, Reason.TOO_WEAK)
        if reason is None:
            return (yield from self._ended(principal))
        yield from record(
            AuditKind.ACCESS_DENIED,
            subject=principal.subject,
            session_id=principal.session_id,
            reason=reason,
            actor=principal.subject,
            acr=wanted.acr or "",
        )
        return Refused(reason)

    def _ended(self, principal: Principal) -> Flow[Refused | None]:
        parts = self._parts
        windows = {one.name: one.guarantees.revocation_window for one in parts.strategies}
        if not windows.get(principal.strategy) or not parts.keeps:
            return None
        yield from enter(Phase.REVOCATION_CHECK)
        if self._has_session(principal):
            found = yield from ask(FindSession(id=principal.session_id))
            standing = yield from judged(found, parts.clock.now())
            if isinstance(standing, Refused):
                return standing
        # "Sign out everywhere" spares no token of before, not even one of a session that stands.
        if principal.key_id is not None and (yield from self._is_revoked(principal)):
            return Refused(Reason.REVOKED)
        return None

    def _renewed(
        self, principal: Principal, proven: Authentication, account: Account | None, client: Client
    ) -> Flow[SignedIn | Refused]:
        parts = self._parts
        same = proven.subject == principal.subject
        if not (yield from check("same person", same, Reason.BAD_CREDENTIALS)):
            refused = Refused(Reason.BAD_CREDENTIALS)
            yield from _refused(principal, refused, proven.methods)
            return refused
        if account is None and parts.keeps:
            account = yield from self.account(principal.subject)
            if account is not None:  # whoever proves it need not know what they may do
                proven = replace(
                    proven,
                    roles=account.roles,
                    revision=account.revision if proven.revision is None else proven.revision,
                )
        now = parts.clock.now()
        bound = principal.bound_to  # a proof of another kind does not loosen the key
        if not self._has_session(principal):
            client = replace(client, proven_key=bound)
            issued = yield from parts.primary.issue(proven, client, now, parts.entropy)
            yield from self._note_renewed(issued, proven, client)
            if parts.elsewhere:
                yield from self.revoke(Target.session(principal.session_id, owner=proven.subject))
            return issued if isinstance(issued, Refused) else SignedIn(issued, account)
        before = yield from self.session(principal.session_id)
        if not (yield from check("session exists", before is not None, Reason.UNKNOWN_SESSION)):
            return Refused(Reason.UNKNOWN_SESSION)
        assert before is not None  # noqa: S101 - for the type checker: checked above
        if not parts.primary.guarantees.needs_store:
            # No session is opened that could end this one in the same step, so it ends first.
            own = Target.session(before.id, owner=before.subject)
            gone = (yield from ask(Revoke(own, now, self._horizon))).sessions == 1
            if not (yield from check("still there", gone, Reason.UNKNOWN_SESSION)):
                return Refused(Reason.UNKNOWN_SESSION)
        known = client if client.address or client.user_agent else before.client
        client = replace(known, proven_key=bound)
        issued = yield from parts.primary.issue(
            proven,
            client,
            now,
            parts.entropy,
            remembered=before.remembered,
            replaces=before.id,
        )
        yield from self._note_renewed(issued, proven, client)
        return issued if isinstance(issued, Refused) else SignedIn(issued, account)

    def _note_renewed(
        self, issued: Issued | Refused, proven: Authentication, client: Client
    ) -> Flow[None]:
        """Tell the audit log where nothing was kept that says so by itself."""
        primary = self._parts.primary
        if isinstance(issued, Refused) or primary.guarantees.needs_store:
            return
        yield from record(
            AuditKind.REAUTHENTICATED,
            subject=proven.subject,
            session_id=issued.principal.session_id,
            actor=proven.subject,
            client=client,
            methods=" ".join(proven.methods),
            strategy=primary.name,
        )


def _refused(principal: Principal, refused: Refused, methods: tuple[str, ...]) -> Flow[None]:
    yield from record(
        AuditKind.REAUTHENTICATION_REFUSED,
        subject=principal.subject,
        session_id=principal.session_id,
        reason=refused.reason,
        actor=principal.subject,
        methods=" ".join(methods),
    )

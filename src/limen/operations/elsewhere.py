"""People whom another server signed in, while a system moves from there to Limen."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.audit import AuditKind
from limen.effects import (
    FindAccount,
    FindRevocation,
    FindTicket,
    Increment,
    KeepTicket,
    ask,
    check,
    enter,
    note,
    record,
)
from limen.effects.tickets import Ticket
from limen.evidence import Public
from limen.operations.accounts import Accounts
from limen.phase import Phase
from limen.principal import Authentication, Client
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from limen.effects import Flow
    from limen.principal import Principal
    from limen.verdict import Issued, Verdict

_DISMISSED: Final = "elsewhere"
_ADOPTED: Final = "adopted"
# Another server may move the end of its session on and on; this outlives any cookie.
DISMISSED_FOR: Final = 400 * 86_400_000
# Requests that come together open one session, and so does a client that keeps no cookies.
ADOPTED_EVERY: Final = 3_600_000


class Admissions(Accounts):
    """What a session of another server is worth here."""

    def admit(self, principal: Principal) -> Flow[Verdict]:
        """Judge somebody whom another server vouches for.

        Refused if that session was signed out here, if the account's sessions were revoked
        here since it began, if it is older than a session of Limen may become, or if the
        account is disabled. Roles are those of the account here, and none without one.
        """
        parts, now = self._parts, self._parts.clock.now()
        yield from enter(Phase.REVOCATION_CHECK)
        if not parts.keeps:
            return Authenticated(principal)
        if principal.issued_at:
            young = now - principal.issued_at < parts.elsewhere
            if not (yield from check("absolute lifetime", young, Reason.ENDED)):
                return Refused(Reason.ENDED)
        if not (yield from self._stands(principal)):
            return Refused(Reason.REVOKED)
        yield from enter(Phase.PRINCIPAL_LOAD)
        found = yield from ask(FindAccount(id=principal.subject))
        if found is None:
            return Authenticated(replace(principal, roles=frozenset()))
        enabled = not found.account.disabled
        if not (yield from check("account is enabled", enabled, Reason.ACCOUNT_DISABLED)):
            return Refused(Reason.ACCOUNT_DISABLED)
        yield from note("subject", Public(principal.subject))
        return Authenticated(replace(principal, roles=found.account.roles))

    def adopt(
        self,
        principal: Principal,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[Issued | Refused]:
        """Open a session here for somebody whom `admit` let in and who has an account here.

        Once an hour at most for one session there.
        """
        parts, now = self._parts, self._parts.clock.now()
        found = yield from ask(FindAccount(id=principal.subject))
        known = found is not None and not found.account.disabled
        yield from check("account is here", known, Reason.UNKNOWN_ACCOUNT)
        if found is None or not known:
            return Refused(Reason.UNKNOWN_ACCOUNT)
        tally = yield from ask(Increment(f"adopt:{principal.session_id}", ADOPTED_EVERY, now))
        if not (yield from check("not adopted just now", tally.count == 1, Reason.THROTTLED)):
            return Refused(Reason.THROTTLED)
        account = found.account
        proven = Authentication(
            account.id,
            principal.authenticated_at,
            principal.methods,
            account.roles,
            account.revision,
        )
        issued = yield from parts.primary.issue(proven, client, now, parts.entropy)
        if not isinstance(issued, Refused):
            yield from _note_origin(issued.principal, principal, now)
        return issued

    def dismiss(self, principal: Principal) -> Flow[None]:
        """Take a session of another server no more, because its owner signed out here."""
        yield from enter(Phase.LOGOUT_REQUEST)
        if self._parts.keeps:
            now, digest = self._parts.clock.now(), _digest(principal.session_id)
            yield from _dismissed(digest, principal.subject, now)
            own = principal.subject
            yield from record(AuditKind.SIGN_OUT, subject=own, actor=own)

    def _stands(self, principal: Principal) -> Flow[bool]:
        now = self._parts.clock.now()
        dismissed = yield from ask(FindTicket(_DISMISSED, _digest(principal.session_id), now))
        revoked = yield from ask(
            FindRevocation(principal.session_id, principal.subject, None, principal.issued_at)
        )
        stands = dismissed is None and not revoked
        return (yield from check("not revoked", stands, Reason.REVOKED))


def end_origin(session_id: str, owner: str | None, now: int) -> Flow[None]:
    """Take the session of another server no more out of which an ended one of ours came.

    Otherwise whoever has its cookie would go on, or be given another session.
    """
    ticket = yield from ask(FindTicket(_ADOPTED, _digest(session_id), now))
    if ticket is not None and owner in (None, ticket.subject):
        yield from _dismissed(bytes.fromhex(ticket.detail), ticket.subject, now)


def _note_origin(own: Principal, other: Principal, now: int) -> Flow[None]:
    digest, detail = _digest(own.session_id), _digest(other.session_id).hex()
    yield from ask(KeepTicket(Ticket(_ADOPTED, digest, own.subject, now + DISMISSED_FOR, detail)))


def _dismissed(digest: bytes, subject: str, now: int) -> Flow[None]:
    if (yield from ask(FindTicket(_DISMISSED, digest, now))) is None:
        yield from ask(KeepTicket(Ticket(_DISMISSED, digest, subject, now + DISMISSED_FOR)))


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()

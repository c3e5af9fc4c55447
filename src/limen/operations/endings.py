"""Ending sign-ins, and seeing which there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen import rotation
from limen.authenticators.guard import era_counter
from limen.claims import MAXIMUM_LEEWAY
from limen.effects import Draw, FindRevocation, FindSession, ListSessions, Revoke, ask, check, enter
from limen.operations.credentials import Credentials, secret_of
from limen.operations.elsewhere import end_origin
from limen.phase import Phase
from limen.revocation import Kind, Target
from limen.strategies.session import judged
from limen.verdict import Authenticated, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.effects import Flow
    from limen.guarantees import Receipt
    from limen.principal import Principal
    from limen.session import Session


class Endings(Credentials):
    """Sign-out, revocation and the device list."""

    def sign_out(self, *presented: str, proven_key: str | None = None) -> Flow[Receipt | None]:
        """End the sessions behind what a client holds; `None` if there is none to end.

        A session that is bound to a key ends only for `proven_key`: a thief of what it was
        given, who cannot use it, cannot sign its owner out with it either.
        """
        yield from enter(Phase.LOGOUT_REQUEST)
        receipt: Receipt | None = None
        for session_id, subject in (yield from self._sessions_behind(presented, proven_key)):
            own = Target.session(session_id, owner=subject, by_holder=True)
            receipt = yield from self.revoke(own)
        return receipt

    def revoke(self, target: Target) -> Flow[Receipt]:
        """End what the target names and say by when no copy works anywhere.

        With several strategies in use the receipt is the slowest one's: a credential of
        either kind may be out there.
        """
        parts, now = self._parts, self._parts.clock.now()
        if target.kind is Kind.SESSION and target.owner is None:
            target = yield from self._owned(target)
        if target.kind is Kind.KEY:
            self._need_store("keys")
            parts.keys.keyring = yield from rotation.withdraw(
                target.subject, parts.algorithm, parts.secrets, now, parts.entropy
            )
        keeping = [one for one in parts.strategies if one.guarantees.needs_store]
        if parts.keeps and target.kind is Kind.USER and not target.spares_sessions:
            # Before, so that no browser stays known to an account whose sessions have ended.
            yield from ask(Draw((era_counter(target.subject),), now))
        # One that keeps something must do it: `jwt` without refresh would end nothing.
        # When a key was last used is not known, and the clock of who used it may be ahead.
        last_use = now + MAXIMUM_LEEWAY if target.kind is Kind.KEY else now
        receipt = yield from (keeping or [parts.primary])[0].revoke(target, last_use)
        if parts.elsewhere and target.keep is not None:
            # Sessions of another server have no row here that could be ended one by one.
            yield from ask(Revoke(Target.tokens(target.subject), now, self._horizon))
        if parts.elsewhere and target.kind is Kind.SESSION:
            yield from end_origin(target.subject, target.owner, now)
        return self._receipt(receipt.sessions_ended)

    def _owned(self, target: Target) -> Flow[Target]:
        """Return a session target with its owner, so that the audit log says whose it was."""
        session = yield from self.session(target.subject)
        return target if session is None else replace(target, owner=session.subject)

    def sessions(self, subject: str) -> Flow[tuple[Session, ...]]:
        """Return the live sessions of an account, newest first: its device list."""
        self._need_store("sessions")
        return (yield from ask(ListSessions(subject, self._parts.clock.now())))

    def session(self, session_id: str) -> Flow[Session | None]:
        """Return one session by its handle."""
        if not self._parts.keeps:
            return None
        standing = yield from ask(FindSession(id=session_id))
        return standing.session if standing else None

    def still_stands(self, principal: Principal) -> Flow[int | Refused]:
        """Say until when an open connection may live on without being asked about again.

        In milliseconds; refused if its sign-in has ended. That is no use of the session: an
        open connection alone keeps nobody signed in.
        """
        yield from enter(Phase.REVOCATION_CHECK)
        now, signed = self._parts.clock.now(), principal.key_id is not None
        if signed and self._parts.keeps and (yield from self._is_revoked(principal)):
            return Refused(Reason.REVOKED)
        if not self._has_session(principal):
            fresh = now < principal.expires_at
            if not (yield from check("exp", fresh, Reason.EXPIRED)):
                return Refused(Reason.EXPIRED)
            return principal.expires_at
        standing = yield from judged((yield from ask(FindSession(id=principal.session_id))), now)
        if isinstance(standing, Refused):
            return standing
        # Claims keep the roles of their time, and an entry of the log refuses them all.
        same = signed or standing.roles == principal.roles
        if not (yield from check("roles", same, Reason.REVOKED)):
            return Refused(Reason.REVOKED)
        return standing.session.ends_at

    def _is_revoked(self, principal: Principal) -> Flow[bool]:
        # Of the store and not of the feed: a view that is fresh may still be `max_lag` old.
        revoked = yield from ask(
            FindRevocation(
                principal.session_id, principal.subject, principal.key_id, principal.issued_at
            )
        )
        return not (yield from check("not revoked", not revoked, Reason.REVOKED))

    def _has_session(self, principal: Principal) -> bool:
        parts = self._parts
        keeps = any(
            one.name == principal.strategy and one.guarantees.needs_store
            for one in parts.strategies
        )
        return parts.keeps and keeps and not parts.keys.inherits(principal.key_id)

    def _sessions_behind(
        self, presented: Iterable[str], proven_key: str | None
    ) -> Flow[tuple[tuple[str, str], ...]]:
        """Return the sessions that live credentials stand for, each once, with their owners.

        Those bound to the proven key, and those bound to none.
        """
        sessions: dict[str, str] = {}
        if self._parts.keeps:
            for text in presented:
                held = secret_of(text)
                verdict = yield from self._verdict_on(held, proven_key, renewing=True)
                if verdict == Refused(Reason.NOT_BOUND):
                    verdict = yield from self._verdict_on(held, renewing=True)
                if isinstance(verdict, Authenticated):
                    sessions[verdict.principal.session_id] = verdict.principal.subject
        return tuple(sessions.items())

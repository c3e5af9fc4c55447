"""Signing up, signing in, and the password itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limen.account import Account, checked_roles
from limen.authenticators.password import PasswordAttempt
from limen.effects import HashPassword, Revoke, SetPassword, ask, enter, note
from limen.evidence import Count
from limen.operations.accounts import Accounts
from limen.operations.endings import Endings
from limen.phase import Phase
from limen.principal import Authentication, Client, Principal
from limen.revocation import Target
from limen.secret import Secret
from limen.verdict import Issued, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.effects import Flow


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody proved who they are: what to hand to the client, and their account.

    `account` is `None` for subjects whose accounts Limen does not keep.
    """

    issued: Issued
    account: Account | None


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The password is new. `issued` replaces the current credential if others were ended."""

    account: Account
    issued: Issued | None


class Proving(Endings, Accounts):
    """Whatever ends in a new credential because somebody proved who they are."""

    def sign_up(
        self,
        email: str,
        password: str,
        name: str = "",
        *,
        image: str | None = None,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Open an account with a password and sign its owner in.

        Refused with `MALFORMED` for a text that is no e-mail address, with a `PASSWORD_…`
        reason, or with `EMAIL_TAKEN`; the work is the same whether it was taken or not.
        """
        added = yield from self.add_account(email, password, name, image=image)
        if isinstance(added, Refused):
            return added
        now = self._parts.clock.now()
        proven = Authentication(added.id, now, ("pwd",), added.roles, added.revision)
        return (
            yield from self._open(proven, added, client, remembered=remembered, presented=presented)
        )

    def sign_in(
        self,
        email: str,
        password: str,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Judge an e-mail and a password, and remember the person if they are right.

        Refused with `BAD_CREDENTIALS` for unknown, disabled and wrong alike, or with
        `THROTTLED`. What the client held before (`presented`) is ended (ASVS 7.2.4).
        """
        now = self._parts.clock.now()
        attempt = PasswordAttempt(email, Secret(password))
        proven = yield from self._parts.passwords.attempt(attempt, now)
        if isinstance(proven, Refused):
            return proven
        return (
            yield from self._open(
                proven.authentication,
                proven.account,
                client,
                remembered=remembered,
                presented=presented,
            )
        )

    def remember(
        self,
        authentication: Authentication,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[SignedIn | Refused]:
        """Remember somebody whom you have authenticated yourself."""
        return (
            yield from self._open(
                authentication, None, client, remembered=remembered, presented=presented
            )
        )

    def change_password(
        self,
        principal: Principal,
        current: str,
        new: str,
        *,
        revoke_others: bool = True,
        client: Client = Client(),  # noqa: B008 - frozen and without state
    ) -> Flow[PasswordChanged | Refused]:
        """Replace a password, given the current one (ASVS 6.2.3).

        With `revoke_others` every session ends and this client gets a new credential
        (ASVS 7.4.3), in one transaction with the change.
        """
        parts = self._parts
        confirmed = yield from parts.passwords.confirm(
            principal.subject, Secret(current), parts.clock.now()
        )
        if isinstance(confirmed, Refused):
            return confirmed
        current_session = yield from self.session(principal.session_id)
        changed = yield from self._set_password(confirmed.account, new, revoke=revoke_others)
        if isinstance(changed, Refused) or not revoke_others:
            return changed if isinstance(changed, Refused) else PasswordChanged(changed, None)
        proven = Authentication(
            changed.id, parts.clock.now(), ("pwd",), changed.roles, changed.revision
        )
        opened = yield from self._open(
            proven,
            changed,
            client,
            remembered=current_session is None or current_session.remembered,
            presented=(),
        )
        return opened if isinstance(opened, Refused) else PasswordChanged(changed, opened.issued)

    def _open(
        self,
        proven: Authentication,
        account: Account | None,
        client: Client,
        *,
        remembered: bool,
        presented: Iterable[str],
    ) -> Flow[SignedIn | Refused]:
        parts = self._parts
        checked_roles(proven.roles)
        yield from self._discard(presented)
        now = parts.clock.now()
        issued = yield from parts.primary.issue(
            proven, client, now, parts.entropy, remembered=remembered
        )
        return issued if isinstance(issued, Refused) else SignedIn(issued, account)

    def _discard(self, presented: Iterable[str]) -> Flow[None]:
        """End what the browser held before: a planted id must not become somebody's session."""
        sessions = yield from self._sessions_behind(presented)
        yield from enter(Phase.PRELOGIN_DISCARD)
        ended = 0
        for session_id in sessions:
            outcome = yield from ask(
                Revoke(Target.session(session_id), self._parts.clock.now(), self._horizon)
            )
            ended += outcome.sessions
        yield from note("sessions", Count(ended))

    def _set_password(self, account: Account, new: str, *, revoke: bool) -> Flow[Account | Refused]:
        parts, secret = self._parts, Secret(new)
        reason = parts.passwords.policy.refusal_of(secret, account.email)
        if reason is not None:
            return Refused(reason)
        password_hash = yield from ask(HashPassword(secret))
        now = parts.clock.now()
        change = SetPassword(
            account.id, password_hash, account.revision, now, True, revoke, horizon=self._horizon
        )
        if not (yield from ask(change)):
            return Refused(Reason.ACCOUNT_CHANGED)
        return replace(account, revision=account.revision + 1, updated_at=now)

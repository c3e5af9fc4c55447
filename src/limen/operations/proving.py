"""Signing up, signing in, and the password itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limen.account import Account, checked_roles
from limen.audit import AuditKind
from limen.authenticators.password import LockedNow, PasswordAttempt
from limen.effects import HashPassword, Revoke, SetPassword, ask, check, enter, note, record
from limen.errors import ConfigurationError
from limen.evidence import Count
from limen.operations.accounts import Accounts
from limen.operations.choosing import refusal_of_choice
from limen.operations.devices import Devices
from limen.operations.endings import Endings
from limen.operations.wording import EXISTS, PASSWORD_CHANGED, PASSWORD_LOCKED
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitsEmail(Refused):
    """Nobody is signed in before they have opened the link that was mailed to them.

    `account` is as it was asked for. Whether it is a new one is not told: if the address had
    one already, its owner got a letter that says so, and this account does not exist.
    """

    reason: Reason = Reason.EMAIL_UNVERIFIED
    account: Account


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """The password is new. `issued` replaces the current credential if others were ended.

    It is `None` then as well if the account was changed once more at the same moment, such as
    disabled: the password is new all the same, and whoever holds it signs in again.
    """

    account: Account
    issued: Issued | None


class Proving(Endings, Accounts, Devices):
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
        username: str | None = None,
        display_username: str | None = None,
        link: str | None = None,
    ) -> Flow[SignedIn | Refused]:
        """Open an account with a password and sign its owner in.

        Refused with `MALFORMED` for a text that is no e-mail address, with a `PASSWORD_…` or
        `USERNAME_…` reason, or with `EMAIL_TAKEN`; the work is the same whether it was taken
        or not. Where addresses must be verified the answer is `AwaitsEmail`, taken or not;
        `link` is where the letter's link leads, with `{token}` in it.
        """
        policy = self._parts.email
        if policy.welcomes:
            self._template(link)  # raises before anything is kept
        drafted = yield from self._draft(
            email,
            password,
            name,
            image=image,
            roles=(),
            username=username,
            display_username=display_username,
        )
        if isinstance(drafted, Refused):
            return drafted
        added = drafted[0]
        refused = yield from self._keep(*drafted)
        if refused is not None and refused.reason is not Reason.EMAIL_TAKEN:
            kind = AuditKind.SIGN_UP_REFUSED  # a taken address is told by what found it out
            yield from record(kind, reason=refused.reason, client=client)
        if policy.required and (refused is None or refused.reason is Reason.EMAIL_TAKEN):
            owned, instead = (added, None) if refused is None else (None, EXISTS)
            yield from self._mail_verification(owned, added.email, link, instead=instead)
            return AwaitsEmail(account=added)
        if refused is not None:
            return refused
        if policy.on_sign_up:
            yield from self._mail_verification(added, added.email, link)
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
        link: str | None = None,
        device: str | None = None,
    ) -> Flow[SignedIn | Refused]:
        """Judge an e-mail and a password, and remember the person if they are right.

        Refused with `BAD_CREDENTIALS` for unknown, disabled and wrong alike, or with
        `THROTTLED`; with `EMAIL_UNVERIFIED` where the address must be verified and is not,
        which only the right password finds out. What the client held before (`presented`) is
        ended (ASVS 7.2.4). `link` is where a letter's link leads, with `{token}` in it. `device`
        is what this browser keeps (see `know_device`): strangers do not use its budget up.
        """
        attempt = PasswordAttempt(email, Secret(password), client=client, device=device)
        return (
            yield from self._admit(
                attempt, client, remembered=remembered, presented=presented, link=link
            )
        )

    def sign_in_with_username(
        self,
        username: str,
        password: str,
        *,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
        link: str | None = None,
        device: str | None = None,
    ) -> Flow[SignedIn | Refused]:
        """Judge a username and a password; otherwise as `sign_in`, and with the same budget."""
        attempt = PasswordAttempt(
            username, Secret(password), by_username=True, client=client, device=device
        )
        return (
            yield from self._admit(
                attempt, client, remembered=remembered, presented=presented, link=link
            )
        )

    def _admit(
        self,
        attempt: PasswordAttempt,
        client: Client,
        *,
        remembered: bool,
        presented: Iterable[str],
        link: str | None,
    ) -> Flow[SignedIn | Refused]:
        policy = self._parts.email
        if policy.required and policy.on_sign_in:
            self._template(link)
        proven = yield from self._parts.passwords.attempt(attempt, self._parts.clock.now())
        if isinstance(proven, LockedNow):
            yield from self._tell(PASSWORD_LOCKED, proven.account.email)
            return Refused(proven.reason)
        if isinstance(proven, Refused):
            return proven
        account = proven.account
        let_in = account.email_verified or not policy.required
        if policy.required and not (
            yield from check("address is verified", let_in, Reason.EMAIL_UNVERIFIED)
        ):
            yield from self._kept_out(proven.authentication, Reason.EMAIL_UNVERIFIED, client)
            if policy.on_sign_in:
                yield from self._mail_verification(account, account.email, link)
            return AwaitsEmail(account=account)
        return (
            yield from self._open(
                proven.authentication,
                account,
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
        if isinstance(changed, Refused):
            return changed
        yield from self._tell(PASSWORD_CHANGED, changed.email)
        if not revoke_others:
            return PasswordChanged(changed, None)
        proven = Authentication(
            changed.id, parts.clock.now(), ("pwd",), changed.roles, changed.revision
        )
        opened = yield from self._open(
            proven,
            changed,
            replace(client, proven_key=principal.bound_to),
            remembered=current_session is None or current_session.remembered,
            presented=(),
        )
        return PasswordChanged(changed, None if isinstance(opened, Refused) else opened.issued)

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
        yield from self._discard(presented, client.proven_key)
        now = parts.clock.now()
        issued = yield from parts.primary.issue(
            proven, client, now, parts.entropy, remembered=remembered
        )
        if isinstance(issued, Refused):
            yield from self._kept_out(proven, issued.reason, client)
            return issued
        if issued.principal.bound_to != client.proven_key:
            raise ConfigurationError(
                "dpop",
                f"the strategy {parts.primary.name!r} binds nothing to a key.",
                "Let it keep `client.proven_key` as `Session.bound_to`, or leave dpop off.",
            )
        if not parts.primary.guarantees.needs_store:  # nothing was kept that says so by itself
            yield from record(
                AuditKind.SIGN_IN_ACCEPTED,
                subject=proven.subject,
                session_id=issued.principal.session_id,
                actor=proven.subject,
                client=client,
                methods=" ".join(proven.methods),
                strategy=parts.primary.name,
            )
        return SignedIn(issued, account)

    def _kept_out(self, proven: Authentication, reason: Reason, client: Client) -> Flow[None]:
        """Tell the audit log of somebody who proved who they are and may not come in."""
        yield from record(
            AuditKind.SIGN_IN_REFUSED,
            subject=proven.subject,
            reason=reason,
            client=client,
            methods=" ".join(proven.methods),
        )

    def _discard(self, presented: Iterable[str], proven_key: str | None) -> Flow[None]:
        """End what the browser held before: a planted id must not become somebody's session."""
        sessions = yield from self._sessions_behind(presented, proven_key)
        yield from enter(Phase.PRELOGIN_DISCARD)
        ended = 0
        for session_id, subject in sessions:
            own = Target.session(session_id, owner=subject)
            outcome = yield from ask(Revoke(own, self._parts.clock.now(), self._horizon))
            ended += outcome.sessions
        yield from note("sessions", Count(ended))

    def _set_password(self, account: Account, new: str, *, revoke: bool) -> Flow[Account | Refused]:
        parts, secret = self._parts, Secret(new)
        reason = yield from refusal_of_choice(
            parts.passwords.policy, secret, account.email, account.username
        )
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

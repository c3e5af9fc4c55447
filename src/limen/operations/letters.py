"""A forgotten password and an address to be verified: what begins or ends with a letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from limen.account import PASSWORD_PROVIDER, is_email, normalised_email
from limen.audit import AuditEvent, AuditKind
from limen.effects import (
    FindAccount,
    HashPassword,
    ListIdentities,
    SetEmail,
    SetPassword,
    ask,
    check,
    enter,
)
from limen.evidence import Personal
from limen.letter import Errand
from limen.operations.choosing import refusal_of_choice
from limen.operations.links import errand_of
from limen.operations.proving import Proving
from limen.operations.wording import EMAIL_CHANGED, PASSWORD_CHANGED
from limen.phase import Phase
from limen.principal import Authentication, Client
from limen.secret import Secret
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.account import Account
    from limen.effects import Flow
    from limen.operations.links import Redeemed
    from limen.verdict import Issued


@dataclass(frozen=True, slots=True)
class EmailConfirmed:
    """A link about an address was opened.

    `errand` says which: with `CONFIRM_CHANGE` the address is still the old one, and another
    letter is under way to the new one. `issued` is there if the person was signed in.
    """

    account: Account
    errand: Errand
    issued: Issued | None = None


class Letters(Proving):
    """Resetting passwords and verifying addresses."""

    def request_password_reset(self, email: str, *, link: str) -> Flow[None]:
        """Mail a link to choose a new password, if there is an account.

        `link` is where it leads, with `{token}` in it. The work and the time are the same
        whether there is an account or not, and nothing is returned.
        """
        self._need_store("accounts")
        address = normalised_email(email)
        account = yield from self._addressee(address)
        yield from self._mail_link(Errand.RESET_PASSWORD, account, address, link)

    def is_reset_link(self, token: str) -> Flow[bool]:
        """Tell whether a link to choose a new password works still; that uses nothing up."""
        self._need_store("accounts")
        opened = yield from self._opened_link(Errand.RESET_PASSWORD, token, use=False)
        return not isinstance(opened, Refused)

    def reset_password(self, token: str, new: str) -> Flow[Account | Refused]:
        """Give an account the password that its owner chose by the mailed link.

        Every session ends (ASVS 7.4.3) and nobody is signed in. The password is judged and
        hashed before the link is used up. Whoever opened the link reads the mailbox, so the
        address is verified. If it was not verified before, whoever opened the account may be
        somebody else: what else it could sign in with is removed.

        Refused with `INVALID_LINK` or a `PASSWORD_…` reason, or with `ACCOUNT_CHANGED` if the
        account was deleted at the same moment.
        """
        self._need_store("accounts")
        parts, secret = self._parts, Secret(new)
        seen = yield from self._opened_link(Errand.RESET_PASSWORD, token, use=False)
        if isinstance(seen, Refused):
            return seen
        reason = yield from refusal_of_choice(
            parts.passwords.policy, secret, seen.account.email, seen.account.username
        )
        if reason is not None:
            return Refused(reason)
        yield from enter(Phase.PASSWORD_VERIFY)
        password_hash = yield from ask(HashPassword(secret))
        opened = yield from self._opened_link(Errand.RESET_PASSWORD, token, use=True)
        if isinstance(opened, Refused):
            return opened
        account, now = opened.account, parts.clock.now()
        told = AuditEvent.of(AuditKind.PASSWORD_RESET, subject=account.id, actor=account.id)
        taken_over = () if account.email_verified else (yield from self._taken_over(account))
        change = SetPassword(
            account.id,
            password_hash,
            account.revision,
            now,
            moves_on=True,
            revoke=True,
            horizon=self._horizon,
            sole=not account.email_verified,
            events=(told, *taken_over),
        )
        changed = yield from ask(change)
        if not (yield from check("account as mailed to", changed, Reason.INVALID_LINK)):
            return Refused(Reason.INVALID_LINK)
        yield from self._tell(PASSWORD_CHANGED, account.email)
        standing = yield from self.account(account.id)
        return Refused(Reason.ACCOUNT_CHANGED) if standing is None else standing

    def _taken_over(self, account: Account) -> Flow[tuple[AuditEvent, ...]]:
        """Say what it means that an account is left to the reader of its mailbox alone."""
        identities = yield from ask(ListIdentities(account.id))
        others = sum(identity.provider != PASSWORD_PROVIDER for identity in identities)
        kinds = [AuditKind.EMAIL_VERIFIED, *[AuditKind.IDENTITY_UNLINKED] * others]
        return tuple(AuditEvent.of(kind, subject=account.id) for kind in kinds)

    def send_verification(self, email: str, *, link: str | None = None) -> Flow[None]:
        """Mail a link that verifies an address, if there is an account that needs it.

        The work and the time are the same whether there is or not. `link` is where it leads,
        with `{token}` in it; without one it is this service's own endpoint.
        """
        self._need_store("accounts")
        address = normalised_email(email)
        account = yield from self._addressee(address)
        if account is not None and account.email_verified:
            account = None
        yield from self._mail_verification(account, address, link)

    def verify_email(
        self,
        token: str,
        *,
        link: str | None = None,
        may_sign_in: bool = True,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        presented: Iterable[str] = (),
    ) -> Flow[EmailConfirmed | Refused]:
        """Do what a mailed link about an address is for; refused with `INVALID_LINK`.

        `link` is where the next letter leads if there is one. With `signs_in` of the policy a
        link that verifies an address signs its reader in, unless not `may_sign_in`.
        """
        self._need_store("accounts")
        errand = errand_of(token)
        if errand not in (Errand.VERIFY_EMAIL, Errand.CONFIRM_CHANGE, Errand.VERIFY_NEW):
            yield from enter(Phase.USER_LOOKUP)
            yield from check("link", False, Reason.INVALID_LINK)
            return Refused(Reason.INVALID_LINK)
        opened = yield from self._opened_link(errand, token, use=True)
        if isinstance(opened, Refused):
            return opened
        if errand is Errand.CONFIRM_CHANGE:
            return (yield from self._mail_new_address(opened, link))
        confirmed = yield from self._confirm(errand, opened)
        if isinstance(confirmed, Refused) or not (may_sign_in and self._signs_in(errand)):
            return confirmed
        account = confirmed.account
        now = self._parts.clock.now()
        proven = Authentication(account.id, now, ("otp",), account.roles, account.revision)
        opened_session = yield from self._open(
            proven, account, client, remembered=True, presented=presented
        )
        if isinstance(opened_session, Refused):
            return opened_session
        return replace(confirmed, issued=opened_session.issued)

    def _signs_in(self, errand: Errand) -> bool:
        return self._parts.email.signs_in and errand is Errand.VERIFY_EMAIL

    def _confirm(self, errand: Errand, opened: Redeemed) -> Flow[EmailConfirmed | Refused]:
        account, now = opened.account, self._parts.clock.now()
        changed = yield from ask(SetEmail(account.id, opened.email, account.email, True, now))
        # Somebody else may have taken the address meanwhile, and the reader learns no more.
        if not (yield from check("address is free", changed, Reason.INVALID_LINK)):
            return Refused(Reason.INVALID_LINK)
        if opened.email == account.email:
            return EmailConfirmed(replace(account, email_verified=True), errand)
        yield from self._tell(EMAIL_CHANGED, account.email)
        changed_account = replace(
            account,
            email=opened.email,
            email_verified=True,
            revision=account.revision + 1,
            updated_at=now,
        )
        return EmailConfirmed(changed_account, errand)

    def _mail_new_address(
        self, opened: Redeemed, link: str | None
    ) -> Flow[EmailConfirmed | Refused]:
        taken = yield from ask(FindAccount(email=opened.email))
        account = opened.account if taken is None else None
        yield from self._mail_link(
            Errand.VERIFY_NEW, account, opened.email, link, email=opened.email
        )
        return EmailConfirmed(opened.account, Errand.CONFIRM_CHANGE)

    def _addressee(self, address: str) -> Flow[Account | None]:
        """Return who is written to, `None` if there is nobody."""
        yield from enter(Phase.USER_LOOKUP, {"email": Personal(address)})
        found = yield from ask(FindAccount(email=address if is_email(address) else ""))
        usable = found is not None and not found.account.disabled
        return found.account if found is not None and usable else None

"""Signing in by what an identity provider has proven, and which identities an account has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from limen.account import (
    ACCOUNT_OCTETS,
    ACCOUNT_PREFIX,
    MAX_NAME,
    Account,
    Identity,
    is_email,
    normalised_email,
)
from limen.audit import AuditKind
from limen.effects import (
    AddAccount,
    AddIdentity,
    FindAccount,
    ListIdentities,
    Removal,
    RemoveIdentity,
    UpdateIdentity,
    ask,
    check,
    enter,
    record,
)
from limen.entropy import random_text
from limen.evidence import Personal, Public
from limen.operations.proving import Proving
from limen.operations.wording import IDENTITY_ADDED
from limen.phase import Phase
from limen.principal import Authentication, Client, Principal
from limen.verdict import Issued, Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.effects import Flow

FEDERATED = ("fed",)
# Somebody else wrote between the look and the change: look again, once.
_LOOKS = 2


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Somebody at an identity provider, proven in a sign-in that has just happened.

    `email_verified` is true only if the address may be believed to be this person's.
    `authenticated_at` is when they proved themselves there, in milliseconds, if that was asked
    for; else it counts as now.
    """

    provider: str
    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str = ""
    image: str | None = None
    scopes: tuple[str, ...] = ()
    sealed_tokens: bytes | None = field(default=None, repr=False)
    authenticated_at: int | None = None

    @property
    def address(self) -> str | None:
        """The address in the form in which accounts have theirs, if it is one."""
        address = None if self.email is None else normalised_email(self.email)
        return address if address is not None and is_email(address) else None


@dataclass(frozen=True, slots=True)
class IdentitySignedIn:
    """Somebody signed in by an identity. `created` says that the account is new."""

    issued: Issued
    account: Account
    created: bool = False
    linked: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    account: Account
    created: bool = False
    linked: bool = False


class Identities(Proving):
    """What an account can sign in with besides a password."""

    def sign_in_by_identity(
        self,
        proven: ProvenIdentity,
        *,
        sign_up: bool = True,
        link_by_email: bool = True,
        takes_unverified: bool = False,
        client: Client = Client(),  # noqa: B008 - frozen and without state
        remembered: bool = True,
        presented: Iterable[str] = (),
    ) -> Flow[IdentitySignedIn | Refused]:
        """Sign somebody in whom an identity provider has proven, with a new account if need be.

        The identity decides. An address joins it to an account only if the provider *and*
        this service have verified it: whoever opened an account with a stranger's address
        must not receive the stranger (ASVS 6.8.1). Refused with `ACCOUNT_DISABLED`,
        `NOT_LINKED`, `SIGN_UP_DISABLED`, `NO_EMAIL` or `EMAIL_UNVERIFIED`.
        """
        found = yield from self._welcomed(
            proven, sign_up=sign_up, by_email=link_by_email, unverified=takes_unverified
        )
        if isinstance(found, Refused):
            yield from record(
                AuditKind.SIGN_IN_REFUSED,
                reason=found.reason,
                client=client,
                methods=" ".join(FEDERATED),
                provider=proven.provider,
            )
            return found
        account, now = found.account, self._parts.clock.now()
        at = now if proven.authenticated_at is None else min(now, proven.authenticated_at)
        proof = Authentication(account.id, at, FEDERATED, account.roles, account.revision)
        opened = yield from self._open(
            proof, account, client, remembered=remembered, presented=presented
        )
        if isinstance(opened, Refused):
            return opened
        return IdentitySignedIn(opened.issued, account, found.created, found.linked)

    def _welcomed(
        self, proven: ProvenIdentity, *, sign_up: bool, by_email: bool, unverified: bool
    ) -> Flow[_Found | Refused]:
        """Return whose account an identity opens, a new one if need be."""
        if not proven.subject:  # an empty one would make one person of all who have none
            return Refused(Reason.MALFORMED)
        found: _Found | Refused = Refused(Reason.ACCOUNT_CHANGED)
        for _ in range(_LOOKS):
            known = yield from self._account_of(proven)
            if known is not None:
                found = _Found(known)
                break
            found = yield from self._join(
                proven, sign_up=sign_up, by_email=by_email, unverified=unverified
            )
            if not isinstance(found, Refused) or found.reason is not Reason.ACCOUNT_CHANGED:
                break
        if isinstance(found, Refused):
            return found
        account = found.account
        if not (yield from check("account enabled", not account.disabled, Reason.ACCOUNT_DISABLED)):
            return Refused(Reason.ACCOUNT_DISABLED)
        if self._parts.email.required and not (
            yield from check("address verified", account.email_verified, Reason.EMAIL_UNVERIFIED)
        ):
            return Refused(Reason.EMAIL_UNVERIFIED)
        return found

    def link_identity(
        self, principal: Principal, proven: ProvenIdentity, *, different_emails: bool = False
    ) -> Flow[Account | Refused]:
        """Let the account of somebody who is signed in sign in by an identity as well.

        What opens an account for good is not added by a session that somebody may have
        copied: refused with `NOT_FRESH` (ASVS 7.5.1), and as `still_stands` is if the sign-in
        ended while the provider was asked. Refused with `IDENTITY_TAKEN` too, with
        `EMAIL_DIFFERS` unless other addresses are allowed, with `UNKNOWN_ACCOUNT`, or with
        `ACCOUNT_CHANGED`.
        """
        if not proven.subject:
            return Refused(Reason.MALFORMED)
        refused = yield from self._is_fresh(principal)
        if refused is not None:
            return refused
        holder = yield from self._account_of(proven)
        if holder is not None:
            same = holder.id == principal.subject
            yield from check("identity is free", same, Reason.IDENTITY_TAKEN)
            return holder if same else Refused(Reason.IDENTITY_TAKEN)
        account = yield from self.account(principal.subject)
        if account is None or account.disabled:
            return Refused(Reason.UNKNOWN_ACCOUNT)
        agrees = different_emails or proven.address == account.email
        if not (yield from check("same address", agrees, Reason.EMAIL_DIFFERS)):
            return Refused(Reason.EMAIL_DIFFERS)
        # After the account: what ends the session later moves the revision that was read.
        stands = yield from self.still_stands(principal)
        if isinstance(stands, Refused):
            return stands
        added = yield from ask(AddIdentity(self._identity(proven, account.id), account.revision))
        if not added:
            return Refused(Reason.ACCOUNT_CHANGED)
        yield from self._tell(IDENTITY_ADDED, account.email)
        return account

    def unlink_identity(self, principal: Principal, identity_id: str) -> Flow[Refused | None]:
        """Take one way to sign in from the account, unless it is the last.

        Refused with `NOT_FRESH` (ASVS 7.5.1), `UNKNOWN_IDENTITY` or `LAST_IDENTITY`.
        """
        self._need_store("identities")
        now = self._parts.clock.now()
        refused = yield from self._is_fresh(principal)
        if refused is not None:
            return refused
        removal = yield from ask(RemoveIdentity(principal.subject, identity_id, now))
        if removal is Removal.UNKNOWN:
            return Refused(Reason.UNKNOWN_IDENTITY)
        return Refused(Reason.LAST_IDENTITY) if removal is Removal.LAST else None

    def identities(self, account_id: str) -> Flow[tuple[Identity, ...]]:
        """Return what an account can sign in with, its password included, oldest first."""
        self._need_store("identities")
        return (yield from ask(ListIdentities(account_id)))

    def keep_provider_tokens(self, identity: Identity, sealed: bytes) -> Flow[bool]:
        """Keep newer tokens of an identity; false if it is gone."""
        now = self._parts.clock.now()
        return (
            yield from ask(
                UpdateIdentity(identity.issuer, identity.subject, identity.scopes, sealed, now)
            )
        )

    def _account_of(self, proven: ProvenIdentity) -> Flow[Account | None]:
        """Return whose identity this is, and keep what the provider said this time."""
        self._need_store("accounts")
        yield from enter(Phase.USER_LOOKUP, {"provider": Public(proven.provider)})
        found = yield from ask(FindAccount(identity=(proven.issuer, proven.subject)))
        if found is None:
            return None
        if proven.sealed_tokens is not None:
            now = self._parts.clock.now()
            yield from ask(
                UpdateIdentity(
                    proven.issuer, proven.subject, proven.scopes, proven.sealed_tokens, now
                )
            )
        return found.account

    def _join(
        self, proven: ProvenIdentity, *, sign_up: bool, by_email: bool, unverified: bool
    ) -> Flow[_Found | Refused]:
        """Join an identity that nobody has yet to an account, old or new."""
        address = proven.address
        if not (yield from check("address known", address is not None, Reason.NO_EMAIL)):
            return Refused(Reason.NO_EMAIL)
        yield from enter(Phase.USER_LOOKUP, {"email": Personal(address or "")})
        found = yield from ask(FindAccount(email=address))
        if found is not None:
            return (yield from self._linked(proven, found.account, allowed=by_email))
        if not (yield from check("sign-up allowed", sign_up, Reason.SIGN_UP_DISABLED)):
            return Refused(Reason.SIGN_UP_DISABLED)
        believed = proven.email_verified or (unverified and not self._parts.email.required)
        if not (yield from check("address verified", believed, Reason.EMAIL_UNVERIFIED)):
            return Refused(Reason.EMAIL_UNVERIFIED)
        return (yield from self._opened_for(proven, address or ""))

    def _linked(
        self, proven: ProvenIdentity, account: Account, *, allowed: bool
    ) -> Flow[_Found | Refused]:
        # An unverified account may have been opened by somebody who waits for the owner.
        for name, holds in (
            ("linking by address", allowed),
            ("verified by the provider", proven.email_verified),
            ("verified here", account.email_verified),
        ):
            if not (yield from check(name, holds, Reason.NOT_LINKED)):
                return Refused(Reason.NOT_LINKED)
        if account.disabled:
            return Refused(Reason.ACCOUNT_DISABLED)
        added = yield from ask(AddIdentity(self._identity(proven, account.id), account.revision))
        if not added:
            return Refused(Reason.ACCOUNT_CHANGED)
        yield from self._tell(IDENTITY_ADDED, account.email)
        return _Found(account, linked=True)

    def _opened_for(self, proven: ProvenIdentity, address: str) -> Flow[_Found | Refused]:
        parts, now = self._parts, self._parts.clock.now()
        account = Account(
            id=ACCOUNT_PREFIX + random_text(parts.entropy, ACCOUNT_OCTETS),
            email=address,
            email_verified=proven.email_verified,
            name=proven.name[:MAX_NAME],
            image=proven.image,
            created_at=now,
            updated_at=now,
        )
        added = yield from ask(AddAccount(account, None, self._identity(proven, account.id)))
        return _Found(account, created=True) if added else Refused(Reason.ACCOUNT_CHANGED)

    def _identity(self, proven: ProvenIdentity, account_id: str) -> Identity:
        now = self._parts.clock.now()
        return replace(
            Identity("", account_id, proven.provider, proven.issuer, proven.subject, now, now),
            scopes=proven.scopes,
            sealed_tokens=proven.sealed_tokens,
        )

"""The accounts that Limen keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.account import (
    ACCOUNT_OCTETS,
    ACCOUNT_PREFIX,
    MAX_NAME,
    Account,
    checked_roles,
    is_email,
    normalised_email,
)
from limen.effects import (
    AddAccount,
    FindAccount,
    HashPassword,
    ListAccounts,
    RemoveAccount,
    SetDisabled,
    SetEmail,
    UpdateAccount,
    ask,
    check,
    enter,
)
from limen.entropy import random_text
from limen.evidence import Personal
from limen.operations.choosing import refusal_of_choice
from limen.operations.parts import Composed
from limen.phase import Phase
from limen.secret import Secret
from limen.usernames import normalised_username
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.effects import Flow
    from limen.guarantees import Receipt


class Accounts(Composed):
    """Who may sign in."""

    def account(self, account_id: str) -> Flow[Account | None]:
        """Return an account by its id."""
        self._need_store("accounts")
        found = yield from ask(FindAccount(id=account_id))
        return found.account if found else None

    def account_by_email(self, email: str) -> Flow[Account | None]:
        """Return an account by its e-mail address."""
        self._need_store("accounts")
        found = yield from ask(FindAccount(email=normalised_email(email)))
        return found.account if found else None

    def accounts(self, limit: int = 100, after: str = "") -> Flow[tuple[Account, ...]]:
        """Return a page of accounts in the order of their ids."""
        self._need_store("accounts")
        return (yield from ask(ListAccounts(limit, after)))

    def add_account(
        self,
        email: str,
        password: str,
        name: str = "",
        *,
        image: str | None = None,
        roles: Iterable[str] = (),
        username: str | None = None,
        display_username: str | None = None,
    ) -> Flow[Account | Refused]:
        """Open an account with a password and sign nobody in; refused as `sign_up` is."""
        drafted = yield from self._draft(
            email,
            password,
            name,
            image=image,
            roles=roles,
            username=username,
            display_username=display_username,
        )
        if isinstance(drafted, Refused):
            return drafted
        refused = yield from self._keep(*drafted)
        return drafted[0] if refused is None else refused

    def _draft(
        self,
        email: str,
        password: str,
        name: str,
        *,
        image: str | None,
        roles: Iterable[str],
        username: str | None,
        display_username: str | None,
    ) -> Flow[tuple[Account, str] | Refused]:
        """Return an account as it would be, with the hash of its password."""
        parts, now = self._parts, self._parts.clock.now()
        address, secret = normalised_email(email), Secret(password)
        if not is_email(address) or len(name) > MAX_NAME:
            return Refused(Reason.MALFORMED)
        shown = username if display_username is None else display_username
        if username is not None:
            unfit = parts.usernames.refusal_of(username, shown)
            if unfit is not None:
                return Refused(unfit)
        reason = yield from refusal_of_choice(parts.passwords.policy, secret, address, username)
        if reason is not None:
            return Refused(reason)
        yield from enter(Phase.PASSWORD_VERIFY)
        password_hash = yield from ask(HashPassword(secret))
        account = Account(
            id=ACCOUNT_PREFIX + random_text(parts.entropy, ACCOUNT_OCTETS),
            email=address,
            name=name,
            image=image,
            roles=checked_roles(roles),
            created_at=now,
            updated_at=now,
            username=None if username is None else normalised_username(username),
            display_username=shown,
        )
        return account, password_hash

    def _keep(self, account: Account, password_hash: str) -> Flow[Refused | None]:
        yield from enter(Phase.USER_LOOKUP, {"email": Personal(account.email)})
        if account.username is not None:
            namesake = yield from ask(FindAccount(username=account.username))
            free = namesake is None
            if not (yield from check("username is free", free, Reason.USERNAME_TAKEN)):
                return Refused(Reason.USERNAME_TAKEN)
        added = yield from ask(AddAccount(account, password_hash))
        if not (yield from check("address is free", added, Reason.EMAIL_TAKEN)):
            return Refused(Reason.EMAIL_TAKEN)
        return None

    def update_account(
        self,
        account_id: str,
        *,
        name: str | None = None,
        image: str | None = None,
        clear_image: bool = False,
    ) -> Flow[Account | None]:
        """Change what an account shows of itself; `None` if there is no such account."""
        now = self._parts.clock.now()
        return (
            yield from ask(
                UpdateAccount(account_id, now, name=name, image=image, clear_image=clear_image)
            )
        )

    def set_roles(self, account_id: str, roles: Iterable[str]) -> Flow[Account | None]:
        """Change the roles of an account.

        A session sees them on its next request. A signed token carries the roles of the
        moment it was signed, so the tokens out there are revoked and their refresh tokens
        sign new ones; where nothing can refuse a token, the old roles last until `exp`.
        """
        wanted, now = checked_roles(roles), self._parts.clock.now()
        return (yield from ask(UpdateAccount(account_id, now, roles=wanted, horizon=self._horizon)))

    def set_email(
        self, account_id: str, email: str, *, verified: bool, replacing: str | None = None
    ) -> Flow[Account | Refused | None]:
        """Change the address of an account, or whether it is verified; `None` if there is none.

        Refused with `MALFORMED` or `EMAIL_TAKEN`, or with `ACCOUNT_CHANGED` if the address is
        no longer `replacing` (which is by default the one that it has now). Another address
        voids what was mailed to the old one and lets no sign-in in flight pass; sessions live
        on.
        """
        address = normalised_email(email)
        if not is_email(address):
            return Refused(Reason.MALFORMED)
        account = yield from self.account(account_id)
        if account is None:
            return None
        old = account.email if replacing is None else normalised_email(replacing)
        now = self._parts.clock.now()
        yield from enter(Phase.USER_LOOKUP, {"email": Personal(address)})
        done = yield from ask(SetEmail(account_id, address, old, verified, now))
        if done:
            return (yield from self.account(account_id))
        owner = yield from ask(FindAccount(email=address))
        free = owner is None or owner.account.id == account_id
        if not (yield from check("address is free", free, Reason.EMAIL_TAKEN)):
            return Refused(Reason.EMAIL_TAKEN)
        return Refused(Reason.ACCOUNT_CHANGED)

    def delete_account(self, account_id: str) -> Flow[Receipt | None]:
        """Delete an account with all that it can sign in with; `None` if there is none.

        Its sessions end as with `revoke`. Its address, username and identities are free again.
        """
        self._need_store("accounts")
        now = self._parts.clock.now()
        ended = yield from ask(RemoveAccount(account_id, now, self._horizon))
        return None if ended is None else self._receipt(ended.sessions)

    def disable(self, account_id: str) -> Flow[Receipt | None]:
        """Disable an account and end its sessions (ASVS 7.4.2); `None` if there is none."""
        now = self._parts.clock.now()
        ended = yield from ask(SetDisabled(account_id, True, now, self._horizon))
        return None if ended is None else self._receipt(ended)

    def enable(self, account_id: str) -> Flow[bool]:
        """Let a disabled account sign in again; false if there is no such account."""
        now = self._parts.clock.now()
        return (yield from ask(SetDisabled(account_id, False, now))) is not None

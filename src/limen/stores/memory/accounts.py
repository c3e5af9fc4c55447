"""The verbs about accounts and what they can sign in with, over dictionaries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.account import PASSWORD_ISSUER, PASSWORD_PROVIDER, Account, Found, Identity
from limen.effects import Removal, Revoke
from limen.errors import StoreUnavailable
from limen.revocation import Target
from limen.stores.memory.sessions import Sessions

if TYPE_CHECKING:
    from limen import effects
    from limen.effects import Ended


class Accounts(Sessions):
    """Who may sign in."""

    def found(self, account: Account | None) -> Found | None:
        if account is None:
            return None
        return Found(account, self.passwords.get(account.id))

    def by_email(self, email: str | None) -> Account | None:
        return next((found for found in self.accounts.values() if found.email == email), None)

    def by_username(self, username: str | None) -> Account | None:
        if username is None:
            return None
        return next((one for one in self.accounts.values() if one.username == username), None)

    def identified(self, issuer: str, subject: str) -> Identity | None:
        held = self.identities.values()
        return next((one for one in held if (one.issuer, one.subject) == (issuer, subject)), None)

    def find_account(self, effect: effects.FindAccount) -> Found | None:
        if effect.id is not None:
            return self.found(self.accounts.get(effect.id))
        if effect.username is not None:
            return self.found(self.by_username(effect.username))
        if effect.identity is not None:
            identity = self.identified(*effect.identity)
            return self.found(self.accounts[identity.account_id] if identity else None)
        return self.found(self.by_email(effect.email))

    def list_accounts(self, effect: effects.ListAccounts) -> tuple[Account, ...]:
        ids = sorted(id_ for id_ in self.accounts if id_ > effect.after)
        return tuple(self.accounts[id_] for id_ in ids[: effect.limit])

    def add_account(self, effect: effects.AddAccount) -> bool:
        new, identity = effect.account, effect.identity
        if self.by_email(new.email) or self.by_username(new.username):
            return False
        if identity is not None and self.identified(identity.issuer, identity.subject):
            return False
        if new.id in self.accounts:
            raise StoreUnavailable("the store refused an id that it has already")
        self.accounts[new.id] = new
        if identity is not None:
            self.number(identity)
        if effect.password_hash is not None:
            self.keep_password(new.id, effect.password_hash, new.created_at)
        return True

    def keep_password(self, account_id: str, password_hash: str, now: int) -> None:
        self.passwords[account_id] = password_hash
        held = self.identified(PASSWORD_ISSUER, account_id)
        if held is None:
            self.number(
                Identity("", account_id, PASSWORD_PROVIDER, PASSWORD_ISSUER, account_id, now, now)
            )
        else:
            self.identities[held.id] = replace(held, updated_at=now)

    def number(self, identity: Identity) -> None:
        self.identity_number += 1
        id_ = str(self.identity_number)
        self.identities[id_] = replace(identity, id=id_)

    def update_account(self, effect: effects.UpdateAccount) -> Account | None:
        account = self.accounts.get(effect.id)
        if account is None:
            return None
        image = account.image if effect.image is None else effect.image
        account = replace(
            account,
            name=account.name if effect.name is None else effect.name,
            image=None if effect.clear_image else image,
            roles=account.roles if effect.roles is None else effect.roles,
            revision=account.revision + (effect.roles is not None),
            updated_at=effect.now,
        )
        self.accounts[effect.id] = account
        if effect.roles is not None and effect.horizon:
            self.revoke(Revoke(Target.tokens(effect.id), effect.now, effect.horizon))
        return account

    def set_password(self, effect: effects.SetPassword) -> bool:
        account = self.accounts.get(effect.id)
        if account is None or account.revision != effect.revision:
            return False
        self.keep_password(effect.id, effect.password_hash, effect.now)
        if effect.moves_on:
            account = replace(account, revision=account.revision + 1, updated_at=effect.now)
        if effect.sole:
            account = replace(account, email_verified=True)
            self.identities = {
                id_: one
                for id_, one in self.identities.items()
                if one.account_id != effect.id or one.issuer == PASSWORD_ISSUER
            }
        self.accounts[effect.id] = account
        if effect.revoke:
            self.end_user(effect.id, effect.keep, effect.now, effect.horizon)
        return True

    def set_disabled(self, effect: effects.SetDisabled) -> int | None:
        account = self.accounts.get(effect.id)
        if account is None:
            return None
        self.accounts[effect.id] = replace(
            account,
            disabled=effect.disabled,
            revision=account.revision + effect.disabled,
            updated_at=effect.now,
        )
        if not effect.disabled:
            return 0
        return self.end_user(effect.id, None, effect.now, effect.horizon).sessions

    def set_email(self, effect: effects.SetEmail) -> bool:
        account, holder = self.accounts.get(effect.id), self.by_email(effect.email)
        if account is None or account.email != effect.replacing:
            return False
        if holder is not None and holder.id != effect.id:
            return False
        self.accounts[effect.id] = replace(
            account,
            email=effect.email,
            email_verified=effect.verified,
            revision=account.revision + (effect.email != effect.replacing),
            updated_at=effect.now,
        )
        return True

    def set_username(self, effect: effects.SetUsername) -> bool:
        account, holder = self.accounts.get(effect.id), self.by_username(effect.username)
        if account is None or (holder is not None and holder.id != effect.id):
            return False
        self.accounts[effect.id] = replace(
            account,
            username=effect.username,
            display_username=effect.display_username,
            updated_at=effect.now,
        )
        return True

    def remove_account(self, effect: effects.RemoveAccount) -> Ended | None:
        if self.accounts.pop(effect.id, None) is None:
            return None
        self.passwords.pop(effect.id, None)
        held = self.identities.items()
        self.identities = {id_: one for id_, one in held if one.account_id != effect.id}
        return self.end_user(effect.id, None, effect.now, effect.horizon)

    # -- what an account can sign in with

    def list_identities(self, effect: effects.ListIdentities) -> tuple[Identity, ...]:
        held = self.identities.values()
        return tuple(one for one in held if one.account_id == effect.account_id)

    def add_identity(self, effect: effects.AddIdentity) -> bool:
        identity = effect.identity
        account = self.accounts.get(identity.account_id)
        if account is None or account.revision != effect.revision:
            return False
        if self.identified(identity.issuer, identity.subject) is not None:
            return False
        self.number(identity)
        return True

    def update_identity(self, effect: effects.UpdateIdentity) -> bool:
        held = self.identified(effect.issuer, effect.subject)
        if held is None:
            return False
        self.identities[held.id] = replace(
            held, scopes=effect.scopes, sealed_tokens=effect.sealed_tokens, updated_at=effect.now
        )
        return True

    def remove_identity(self, effect: effects.RemoveIdentity) -> Removal:
        held = self.identities.get(effect.identity_id)
        if held is None or held.account_id != effect.account_id:
            return Removal.UNKNOWN
        mine = [one for one in self.identities.values() if one.account_id == effect.account_id]
        if len(mine) == 1:
            return Removal.LAST
        del self.identities[held.id]
        if held.issuer == PASSWORD_ISSUER:
            self.passwords.pop(effect.account_id, None)
        account = self.accounts[effect.account_id]
        self.accounts[account.id] = replace(
            account, revision=account.revision + 1, updated_at=effect.now
        )
        return Removal.REMOVED

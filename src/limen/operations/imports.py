"""Taking over accounts from another system."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from limen.account import is_email
from limen.effects import (
    AddAccount,
    AddIdentity,
    FindAccount,
    ListIdentities,
    SetDisabled,
    SetEmail,
    SetPassword,
    SetUsername,
    UpdateAccount,
    ask,
)
from limen.foreign_hashes import check_library, is_foreign
from limen.operations.accounts import Accounts
from limen.passwords import is_verifiable

if TYPE_CHECKING:
    from limen.account import Found, Newcomer
    from limen.effects import AnyEffect, Flow


@unique
class Imported(StrEnum):
    """What became of one account that was to be taken over."""

    ADDED = "added"
    UPDATED = "updated"
    PRESENT = "present"  # it was taken over before, and nothing is to be changed
    EMAIL_TAKEN = "email_taken"
    EMAIL_UNPROVEN = "email_unproven"  # taken, and nobody proved that both are one person's
    ID_TAKEN = "id_taken"  # by an account with another address: never changed
    USERNAME_TAKEN = "username_taken"
    IDENTITY_TAKEN = "identity_taken"
    BAD_EMAIL = "bad_email"
    UNKNOWN_HASH = "unknown_hash"


class Imports(Accounts):
    """Accounts that were somebody else's."""

    def import_account(
        self, newcomer: Newcomer, *, update: bool = False, dry_run: bool = False
    ) -> Flow[Imported]:
        """Keep an account of another system with its id, its hash and its identities.

        To repeat that changes nothing. With `update` an account that is here already, by id or
        by a verified address, takes what is new there: but never another password once it has
        one that was set or used here, and it is never enabled again. `dry_run` only says what
        would be done. Raises `ConfigurationError` for a hash that no package here can verify.
        """
        self._need_store("accounts")
        account = newcomer.account
        if not is_email(account.email):
            return Imported.BAD_EMAIL
        if newcomer.password_hash is not None and not is_verifiable(newcomer.password_hash):
            return Imported.UNKNOWN_HASH
        if newcomer.password_hash is not None:
            check_library(newcomer.password_hash)
        found = yield from ask(FindAccount(id=account.id))
        if found is not None:
            if found.account.email != account.email:
                return Imported.ID_TAKEN
            return (yield from self._merge(found, newcomer, update=update, dry_run=dry_run))
        found = yield from ask(FindAccount(email=account.email))
        if found is not None:
            if not update:
                return Imported.EMAIL_TAKEN
            # Whoever signs up first with somebody's address must not get what is theirs.
            if not (found.account.email_verified and account.email_verified):
                return Imported.EMAIL_UNPROVEN
            return (yield from self._merge(found, newcomer, update=True, dry_run=dry_run))
        taken = yield from self._taken(newcomer)
        if taken is not None or dry_run:
            return taken or Imported.ADDED
        return (yield from self._add(newcomer))

    def _taken(self, newcomer: Newcomer) -> Flow[Imported | None]:
        name = newcomer.account.username
        if name is not None and (yield from ask(FindAccount(username=name))) is not None:
            return Imported.USERNAME_TAKEN
        for one in newcomer.identities:
            held = yield from ask(FindAccount(identity=(one.issuer, one.subject)))
            if held is not None:
                return Imported.IDENTITY_TAKEN
        return None

    def _add(self, newcomer: Newcomer) -> Flow[Imported]:
        account, identities = newcomer.account, newcomer.identities
        first = identities[0] if identities else None
        if not (yield from ask(AddAccount(account, newcomer.password_hash, first))):
            return Imported.EMAIL_TAKEN  # by somebody who signed up this very moment
        for one in identities[1:]:
            if not (yield from ask(AddIdentity(one, account.revision))):
                return Imported.IDENTITY_TAKEN  # by somebody who signed in meanwhile
        return Imported.ADDED

    def _merge(
        self, found: Found, newcomer: Newcomer, *, update: bool, dry_run: bool
    ) -> Flow[Imported]:
        if not update:
            return Imported.PRESENT
        changes = yield from self._changes(found, newcomer)
        if not dry_run:
            for change in changes:
                yield from ask(change)
        return Imported.UPDATED if changes else Imported.PRESENT

    def _changes(self, found: Found, newcomer: Newcomer) -> Flow[list[AnyEffect]]:
        """Return what is to be done, first what asks for the revision that was read."""
        here, there, now = found.account, newcomer.account, self._parts.clock.now()
        held = yield from ask(ListIdentities(here.id))
        named = {(one.issuer, one.subject) for one in held}
        changes: list[AnyEffect] = [
            AddIdentity(replace(one, account_id=here.id), here.revision)
            for one in newcomer.identities
            if (one.issuer, one.subject) not in named
        ]
        new, old = newcomer.password_hash, found.password_hash
        if new is not None and new != old and (old is None or is_foreign(old)):
            changes.append(SetPassword(here.id, new, here.revision, now, moves_on=True))
        if there.email_verified and not here.email_verified:
            changes.append(SetEmail(here.id, here.email, here.email, True, now))
        if there.username is not None and here.username is None:
            shown = there.display_username or there.username
            changes.append(SetUsername(here.id, there.username, shown, now))
        change = UpdateAccount(
            here.id,
            now,
            name=there.name if there.name not in ("", here.name) else None,
            image=there.image if there.image != here.image else None,
            roles=here.roles | there.roles if not there.roles <= here.roles else None,
        )
        if change != UpdateAccount(here.id, now):
            changes.append(change)
        if there.disabled and not here.disabled:
            changes.append(SetDisabled(here.id, True, now, self._horizon))
        return changes

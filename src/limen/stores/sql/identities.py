"""The verbs about what an account can sign in with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, false, select, update

from limen.account import Identity
from limen.effects import Removal
from limen.stores.sql.locks import hold_subject
from limen.stores.sql.rows import identity_of, identity_values, insert_for, names
from limen.stores.sql.tables import account, credential, storable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, ScalarSelect

    from limen.effects import AddIdentity, ListIdentities, RemoveIdentity, UpdateIdentity


def owner(issuer: str, subject: str) -> ScalarSelect[Any]:
    """Return the id of the account that an identity belongs to, as a part of a statement."""
    return select(credential.c.account_id).where(_named(issuer, subject)).scalar_subquery()


def _named(issuer: str, subject: str) -> ColumnElement[bool]:
    """Return the condition that a row is this identity.

    Text that no database can hold names nobody: replaced, it could be the name of another.
    """
    if not _holds(issuer, subject):
        return false()
    return and_(credential.c.issuer == issuer, credential.c.account_key == subject)


def _holds(*names: str) -> bool:
    return all(storable(name) == name for name in names)


def inserted(connection: Connection, identity: Identity) -> bool:
    """Insert an identity; false if it belongs to an account already, or cannot be told apart."""
    if not _holds(identity.issuer, identity.subject):
        return False
    new = (
        insert_for(connection, credential)
        .values(identity_values(identity))
        .on_conflict_do_nothing(index_elements=[credential.c.issuer, credential.c.account_key])
        .returning(credential.c.id)
    )
    return connection.execute(new).one_or_none() is not None


def listed(connection: Connection, effect: ListIdentities) -> tuple[Identity, ...]:
    """Perform `ListIdentities`."""
    held = select(credential).where(credential.c.account_id == effect.account_id)
    return tuple(map(identity_of, connection.execute(held.order_by(credential.c.id))))


def add(connection: Connection, effect: AddIdentity) -> bool:
    """Perform `AddIdentity`."""
    account_id = effect.identity.account_id
    hold_subject(connection, account_id, shared=False)
    kept = select(account.c.revision).where(account.c.id == account_id).with_for_update()
    if connection.scalar(kept) != effect.revision:
        return False
    return inserted(connection, effect.identity)


def change(connection: Connection, effect: UpdateIdentity) -> bool:
    """Perform `UpdateIdentity`."""
    changed = (
        update(credential)
        .where(_named(effect.issuer, effect.subject))
        .values(
            scopes=names(effect.scopes),
            sealed_tokens=effect.sealed_tokens,
            updated_at=effect.now,
        )
    )
    return connection.execute(changed).rowcount == 1


def remove(connection: Connection, effect: RemoveIdentity) -> Removal:
    """Perform `RemoveIdentity`, alone with the subject: of two at once one may be the last."""
    hold_subject(connection, effect.account_id, shared=False)
    held = select(credential.c.id).where(credential.c.account_id == effect.account_id)
    # Compared as text, because what a client sends need not be a number, nor a small one.
    mine = {str(number): number for number in connection.scalars(held)}
    if effect.identity_id not in mine:
        return Removal.UNKNOWN
    if len(mine) == 1:
        return Removal.LAST
    moved = {"revision": account.c.revision + 1, "updated_at": effect.now}
    connection.execute(update(account).where(account.c.id == effect.account_id).values(moved))
    connection.execute(delete(credential).where(credential.c.id == mine[effect.identity_id]))
    return Removal.REMOVED

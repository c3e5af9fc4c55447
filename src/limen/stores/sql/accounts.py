"""The verbs about accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from limen.account import PASSWORD_ISSUER, PASSWORD_PROVIDER, Account, Found
from limen.effects import Ended, Revoke
from limen.errors import StoreUnavailable
from limen.revocation import Target
from limen.stores.sql import identities, sessions
from limen.stores.sql.locks import hold_subject
from limen.stores.sql.rows import Values, account_of, account_values, insert_for, names
from limen.stores.sql.tables import account, credential

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from limen.effects import (
        AddAccount,
        FindAccount,
        ListAccounts,
        RemoveAccount,
        SetDisabled,
        SetEmail,
        SetPassword,
        SetUsername,
        UpdateAccount,
    )

_other = account.alias()
_WITH_PASSWORD = select(account, credential.c.password_hash).join(
    credential,
    and_(credential.c.issuer == PASSWORD_ISSUER, credential.c.account_key == account.c.id),
    isouter=True,
)


def find(connection: Connection, effect: FindAccount) -> Found | None:
    """Perform `FindAccount`."""
    if effect.id is not None:
        wanted = account.c.id == effect.id
    elif effect.username is not None:
        wanted = account.c.username == effect.username
    elif effect.identity is not None:
        wanted = account.c.id == identities.owner(*effect.identity)
    else:
        wanted = account.c.email == effect.email
    row = connection.execute(_WITH_PASSWORD.where(wanted)).one_or_none()
    return None if row is None else Found(account_of(row), row.password_hash)


def listed(connection: Connection, effect: ListAccounts) -> tuple[Account, ...]:
    """Perform `ListAccounts`."""
    later = select(account).where(account.c.id > effect.after).order_by(account.c.id)
    return tuple(account_of(row) for row in connection.execute(later.limit(effect.limit)))


def add(connection: Connection, effect: AddAccount) -> bool:
    """Perform `AddAccount`; the unique indexes decide a race."""
    new = (
        insert_for(connection, account)
        .values(account_values(effect.account))
        .on_conflict_do_nothing()
        .returning(account.c.id)
    )
    if connection.execute(new).one_or_none() is None:
        _check_id(connection, effect.account)
        return False
    if effect.identity is not None and not identities.inserted(connection, effect.identity):
        connection.execute(delete(account).where(account.c.id == effect.account.id))
        return False
    if effect.password_hash is not None:
        created_at = effect.account.created_at
        _keep_password(connection, effect.account.id, effect.password_hash, created_at)
    return True


def _check_id(connection: Connection, new: Account) -> None:
    """Raise a fault if not the address or the name was taken but the id, which nobody chose."""
    kept = connection.execute(select(account).where(account.c.id == new.id)).one_or_none()
    same = kept is not None and (
        kept.email == new.email or (new.username is not None and kept.username == new.username)
    )
    if kept is not None and not same:
        raise StoreUnavailable("the store refused an id that it has already")


def change(connection: Connection, effect: UpdateAccount) -> Account | None:
    """Perform `UpdateAccount`."""
    values: Values = {"updated_at": effect.now}
    if effect.name is not None:
        values["name"] = effect.name
    if effect.image is not None or effect.clear_image:
        values["image"] = None if effect.clear_image else effect.image
    if effect.roles is not None:
        # Alone with the subject: a sign-in in flight either shows its session to the
        # revocation that follows, or sees the revision move.
        hold_subject(connection, effect.id, shared=False)
        values["roles"] = names(sorted(effect.roles))
        values["revision"] = account.c.revision + 1
    changed = update(account).where(account.c.id == effect.id).values(values).returning(account)
    row = connection.execute(changed).one_or_none()
    if row is not None and effect.roles is not None and effect.horizon:
        sessions.revoke(connection, Revoke(Target.tokens(effect.id), effect.now, effect.horizon))
    return None if row is None else account_of(row)


def set_password(connection: Connection, effect: SetPassword) -> bool:
    """Perform `SetPassword`."""
    hold_subject(connection, effect.id, shared=False)
    kept = select(account.c.revision).where(account.c.id == effect.id).with_for_update()
    if connection.scalar(kept) != effect.revision:
        return False
    _keep_password(connection, effect.id, effect.password_hash, effect.now)
    moved: Values = {"email_verified": True} if effect.sole else {}
    if effect.moves_on:
        moved |= {"revision": account.c.revision + 1, "updated_at": effect.now}
    if moved:
        connection.execute(update(account).where(account.c.id == effect.id).values(moved))
    if effect.sole:
        owned, others = credential.c.account_id == effect.id, credential.c.issuer != PASSWORD_ISSUER
        connection.execute(delete(credential).where(owned, others))
    if effect.revoke:
        sessions.end_user(connection, effect.id, effect.keep, effect.now, effect.horizon)
    return True


def set_email(connection: Connection, effect: SetEmail) -> bool:
    """Perform `SetEmail`; the unique index on the address decides a race."""
    hold_subject(connection, effect.id, shared=False)
    values: Values = {
        "email": effect.email,
        "email_verified": effect.verified,
        "updated_at": effect.now,
    }
    if effect.email != effect.replacing:
        values["revision"] = account.c.revision + 1
    free = ~exists().where(_other.c.email == effect.email, _other.c.id != effect.id)
    return _changed(connection, effect.id, values, account.c.email == effect.replacing, free)


def set_username(connection: Connection, effect: SetUsername) -> bool:
    """Perform `SetUsername`; the unique index on the name decides a race."""
    values = {
        "username": effect.username,
        "display_username": effect.display_username,
        "updated_at": effect.now,
    }
    free = ~exists().where(_other.c.username == effect.username, _other.c.id != effect.id)
    return _changed(connection, effect.id, values, free)


def _changed(
    connection: Connection, account_id: str, values: Values, *conditions: ColumnElement[bool]
) -> bool:
    """Change one account under conditions; false if one does not hold.

    What must be unique is looked for first: two accounts that exchange their addresses would
    wait for each other at the index. Only what is taken in that very moment is found there.
    """
    changing = update(account).where(account.c.id == account_id, *conditions).values(values)
    try:
        with connection.begin_nested():
            return connection.execute(changing).rowcount == 1
    except IntegrityError:
        return False


def remove(connection: Connection, effect: RemoveAccount) -> Ended | None:
    """Perform `RemoveAccount`; its credentials go with the row."""
    hold_subject(connection, effect.id, shared=False)
    gone = delete(account).where(account.c.id == effect.id).returning(account.c.id)
    if connection.execute(gone).one_or_none() is None:
        return None
    return sessions.end_user(connection, effect.id, None, effect.now, effect.horizon)


def set_disabled(connection: Connection, effect: SetDisabled) -> int | None:
    """Perform `SetDisabled`. Enabling leaves the revision: disabling has moved it."""
    hold_subject(connection, effect.id, shared=False)
    values: Values = {"disabled": effect.disabled, "updated_at": effect.now}
    if effect.disabled:
        values["revision"] = account.c.revision + 1
    changed = update(account).where(account.c.id == effect.id).values(values)
    if connection.execute(changed.returning(account.c.id)).one_or_none() is None:
        return None
    if not effect.disabled:
        return 0
    return sessions.end_user(connection, effect.id, None, effect.now, effect.horizon).sessions


def _keep_password(connection: Connection, account_id: str, password_hash: str, now: int) -> None:
    changed = (
        update(credential)
        .where(credential.c.issuer == PASSWORD_ISSUER, credential.c.account_key == account_id)
        .values(password_hash=password_hash, updated_at=now)
        .returning(credential.c.id)
    )
    if connection.execute(changed).one_or_none() is None:
        connection.execute(
            insert(credential).values(
                account_id=account_id,
                provider=PASSWORD_PROVIDER,
                issuer=PASSWORD_ISSUER,
                account_key=account_id,
                password_hash=password_hash,
                created_at=now,
                updated_at=now,
            )
        )

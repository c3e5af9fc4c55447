"""The verbs about accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from limen.account import Account, Found
from limen.stores.sql import sessions
from limen.stores.sql.locks import hold_subject
from limen.stores.sql.rows import Values, account_of, account_values, insert_for, names
from limen.stores.sql.tables import ISSUER, PROVIDER, account, credential

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from limen.effects import (
        AddAccount,
        FindAccount,
        ListAccounts,
        SetDisabled,
        SetPassword,
        UpdateAccount,
    )

_WITH_PASSWORD = select(account, credential.c.password_hash).join(
    credential,
    and_(credential.c.issuer == ISSUER, credential.c.account_key == account.c.id),
    isouter=True,
)


def find(connection: Connection, effect: FindAccount) -> Found | None:
    """Perform `FindAccount`."""
    wanted = account.c.email == effect.email if effect.id is None else account.c.id == effect.id
    row = connection.execute(_WITH_PASSWORD.where(wanted)).one_or_none()
    return None if row is None else Found(account_of(row), row.password_hash)


def listed(connection: Connection, effect: ListAccounts) -> tuple[Account, ...]:
    """Perform `ListAccounts`."""
    later = select(account).where(account.c.id > effect.after).order_by(account.c.id)
    return tuple(account_of(row) for row in connection.execute(later.limit(effect.limit)))


def add(connection: Connection, effect: AddAccount) -> bool:
    """Perform `AddAccount`; the unique index on the address decides a race."""
    new = (
        insert_for(connection, account)
        .values(account_values(effect.account))
        .on_conflict_do_nothing(index_elements=[account.c.email])
        .returning(account.c.id)
    )
    if connection.execute(new).one_or_none() is None:
        return False
    if effect.password_hash is not None:
        created_at = effect.account.created_at
        _keep_password(connection, effect.account.id, effect.password_hash, created_at)
    return True


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
    return None if row is None else account_of(row)


def set_password(connection: Connection, effect: SetPassword) -> bool:
    """Perform `SetPassword`."""
    hold_subject(connection, effect.id, shared=False)
    kept = select(account.c.revision).where(account.c.id == effect.id).with_for_update()
    if connection.scalar(kept) != effect.revision:
        return False
    _keep_password(connection, effect.id, effect.password_hash, effect.now)
    if effect.moves_on:
        moved = {"revision": account.c.revision + 1, "updated_at": effect.now}
        connection.execute(update(account).where(account.c.id == effect.id).values(moved))
    if effect.revoke:
        sessions.end_user(connection, effect.id, effect.keep, effect.now, effect.horizon)
    return True


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
        .where(credential.c.issuer == ISSUER, credential.c.account_key == account_id)
        .values(password_hash=password_hash, updated_at=now)
        .returning(credential.c.id)
    )
    if connection.execute(changed).one_or_none() is None:
        connection.execute(
            insert(credential).values(
                account_id=account_id,
                provider=PROVIDER,
                issuer=ISSUER,
                account_key=account_id,
                password_hash=password_hash,
                created_at=now,
                updated_at=now,
            )
        )

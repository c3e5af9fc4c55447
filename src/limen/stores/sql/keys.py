"""The verbs about signing keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, select, update

from limen.keyring import KeyRecord, KeyState
from limen.stores.sql.locks import Lock, hold
from limen.stores.sql.rows import insert_for
from limen.stores.sql.tables import key

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from limen.effects import AddKey, LoadKeys, PromoteKey, RemoveKey, ResealKey, SetKeyState


def load(connection: Connection, _: LoadKeys) -> tuple[KeyRecord, ...]:
    """Perform `LoadKeys`."""
    rows = connection.execute(select(key).order_by(key.c.created_at, key.c.id))
    return tuple(
        KeyRecord(
            id=row.id,
            algorithm=row.algorithm,
            state=KeyState(row.state),
            public=row.public,
            sealed_private=row.sealed_private,
            created_at=row.created_at,
            moved_at=row.moved_at,
        )
        for row in rows
    )


def add(connection: Connection, effect: AddKey) -> bool:
    """Perform `AddKey`; the unique index on the state decides a race."""
    hold(connection, Lock.KEYS)
    record = effect.record
    values = {
        "id": record.id,
        "algorithm": record.algorithm,
        "state": record.state.value,
        "public": record.public,
        "sealed_private": record.sealed_private,
        "created_at": record.created_at,
        "moved_at": record.moved_at,
    }
    new = insert_for(connection, key).values(values).on_conflict_do_nothing()
    return connection.execute(new.returning(key.c.id)).one_or_none() is not None


def promote(connection: Connection, effect: PromoteKey) -> bool:
    """Perform `PromoteKey`: the old key steps back first, as only one may sign."""
    hold(connection, Lock.KEYS)
    wanted = key.c.id == effect.key_id
    waiting = select(key.c.id).where(wanted, key.c.state == KeyState.NEXT.value)
    if connection.execute(waiting).one_or_none() is None:
        return False
    _move(connection, key.c.state == KeyState.SIGNING.value, KeyState.VERIFYING, effect.now)
    return _move(connection, wanted, KeyState.SIGNING, effect.now)


def set_state(connection: Connection, effect: SetKeyState) -> bool:
    """Perform `SetKeyState`. A key becomes `next` or `signing` by other verbs only."""
    if effect.state not in (KeyState.VERIFYING, KeyState.RETIRED):
        return False
    hold(connection, Lock.KEYS)
    return _move(connection, key.c.id == effect.key_id, effect.state, effect.now)


def reseal(connection: Connection, effect: ResealKey) -> bool:
    """Perform `ResealKey`."""
    same = and_(key.c.id == effect.key_id, key.c.sealed_private == effect.replacing)
    changed = update(key).where(same).values(sealed_private=effect.sealed_private)
    return connection.execute(changed.returning(key.c.id)).one_or_none() is not None


def remove(connection: Connection, effect: RemoveKey) -> bool:
    """Perform `RemoveKey`."""
    hold(connection, Lock.KEYS)
    retired = key.c.state == KeyState.RETIRED.value
    gone = delete(key).where(key.c.id == effect.key_id, retired).returning(key.c.id)
    return connection.execute(gone).one_or_none() is not None


def _move(connection: Connection, wanted: ColumnElement[bool], state: KeyState, now: int) -> bool:
    moved = update(key).where(wanted).values(state=state.value, moved_at=now)
    return connection.execute(moved.returning(key.c.id)).one_or_none() is not None

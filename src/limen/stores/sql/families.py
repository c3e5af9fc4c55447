"""The verbs about refresh families. What a presentation means is decided in `limen.family`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from limen.family import (
    Presentation,
    RefreshRecord,
    Repeated,
    Replayed,
    Rotated,
    Rotation,
    Superseded,
    Unproven,
    judge,
)
from limen.revocation import Kind
from limen.session import Standing, refusal_of
from limen.stores.sql import log, sessions
from limen.stores.sql.rows import standing_of
from limen.stores.sql.tables import secret, session

if TYPE_CHECKING:
    from limen.effects import FindRefresh, RotateRefresh


def find(connection: Connection, effect: FindRefresh) -> Standing | None:
    """Perform `FindRefresh`; an unused token, the usual case, takes one statement."""
    wanted = {"wanted": effect.digest, "kind": sessions.REFRESH}
    row = connection.execute(sessions.BY_DIGEST, wanted).one_or_none()
    if row is not None:
        return standing_of(row._mapping)
    known = select(secret.c.digest).where(
        secret.c.digest == effect.digest, secret.c.kind == sessions.REFRESH
    )
    if connection.execute(known).one_or_none() is None:
        return None
    record = _record(connection, effect.digest)
    following = _successor_used(connection, record)
    if judge(record, following, effect.now, effect.grace) is not Presentation.RETRY:
        return None
    return sessions.standing(connection, record.session_id)


def rotate(connection: Connection, effect: RotateRefresh) -> Rotation | None:
    """Perform `RotateRefresh`.

    The session row stands for the family: it is locked first, then the token is read, so
    that the second of two presentations sees what the first one did.
    """
    if not _hold_family(connection, effect.digest):
        return None
    record = _record(connection, effect.digest)
    standing = sessions.standing(connection, record.session_id)
    if standing is None:
        return None
    if standing.session.bound_to != effect.proven_key:
        return Unproven()
    following = _successor_used(connection, record)
    presentation = judge(record, following, effect.now, effect.grace)
    if presentation is Presentation.REPLAY:
        ids, latest = sessions.end(connection, session.c.id == record.session_id, effect.now)
        log.append(connection, Kind.SESSION, ids, latest, effect.horizon)
        return Replayed(record.session_id, standing.session.subject)
    if refusal_of(standing, effect.now) is not None:
        return None
    if presentation is Presentation.SUPERSEDED:
        return Superseded()
    # A retry is a use too: a token is signed now, and a revocation must know of it.
    sessions.use(connection, standing.session.id, effect.now)
    used_at = max(standing.session.used_at, effect.now)
    lifted = log.lifted(connection, replace(standing.session, used_at=used_at))
    standing = replace(standing, session=lifted)
    if presentation is Presentation.RETRY:
        return Repeated(standing, record.sealed_successor or b"")
    return _first_use(connection, effect, standing)


def _hold_family(connection: Connection, digest: bytes) -> bool:
    family = (
        select(session.c.id)
        .join(secret, secret.c.session_id == session.c.id)
        .where(secret.c.digest == digest, secret.c.kind == sessions.REFRESH)
        .with_for_update(of=session)
    )
    return connection.execute(family).one_or_none() is not None


def _record(connection: Connection, digest: bytes) -> RefreshRecord:
    row = connection.execute(select(secret).where(secret.c.digest == digest)).one()
    return RefreshRecord(
        digest=row.digest,
        session_id=row.session_id,
        issued_at=row.issued_at,
        used_at=row.used_at,
        successor=row.successor,
        sealed_successor=row.sealed_successor,
    )


def _successor_used(connection: Connection, record: RefreshRecord) -> bool:
    if record.successor is None:
        return False
    used = select(secret.c.used_at).where(secret.c.digest == record.successor)
    return connection.scalar(used) is not None


def _first_use(connection: Connection, effect: RotateRefresh, standing: Standing) -> Rotated:
    # Nobody can be given this token again, so nothing need be kept that leads to it.
    predecessor = update(secret).where(
        secret.c.session_id == standing.session.id, secret.c.successor == effect.digest
    )
    connection.execute(predecessor.values(sealed_successor=None))
    connection.execute(
        insert(secret).values(
            digest=effect.successor,
            session_id=standing.session.id,
            kind=sessions.REFRESH,
            issued_at=effect.now,
        )
    )
    connection.execute(
        update(secret)
        .where(secret.c.digest == effect.digest)
        .values(
            used_at=effect.now,
            successor=effect.successor,
            sealed_successor=effect.sealed_successor,
        )
    )
    return Rotated(standing)

"""The revocation log: appended in one order, which is the order in which entries appear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, insert, or_, select

from limen.revocation import Kind, Revocation
from limen.stores.sql.locks import Lock, hold
from limen.stores.sql.tables import revocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from limen.effects import FindRevocation, ReadLog
    from limen.session import Session


def append(
    connection: Connection, kind: Kind, subjects: Sequence[str], now: int, horizon: int
) -> int | None:
    """Append one entry for each subject and return the last `seq`, `None` if none was needed.

    `not_before` is one millisecond ahead, so that what was issued in this very millisecond
    is refused as well.
    """
    if horizon <= 0 or not subjects:
        return None
    # Before the number is drawn: otherwise a later number could be committed first.
    hold(connection, Lock.LOG)
    last = None
    for subject in subjects:
        entry = insert(revocation).values(
            kind=kind.value, subject=subject, not_before=now + 1, expires_at=now + horizon
        )
        last = connection.execute(entry.returning(revocation.c.seq)).scalar_one()
    return last


def read(connection: Connection, effect: ReadLog) -> tuple[Revocation, ...]:
    """Perform `ReadLog`."""
    newer = select(revocation).where(revocation.c.seq > effect.after)
    rows = connection.execute(newer.order_by(revocation.c.seq).limit(effect.limit))
    return tuple(
        Revocation(row.seq, Kind(row.kind), row.subject, row.not_before, row.expires_at)
        for row in rows
    )


def find(connection: Connection, effect: FindRevocation) -> bool:
    """Perform `FindRevocation`: one statement."""
    kind, subject = revocation.c.kind, revocation.c.subject
    before = revocation.c.not_before > effect.issued_at
    refused = or_(
        and_(kind == Kind.SESSION.value, subject == effect.session_id),
        and_(kind == Kind.USER.value, subject == effect.subject, before),
        and_(kind == Kind.ALL.value, subject == "", before),
    )
    if effect.key_id is not None:
        refused = or_(refused, and_(kind == Kind.KEY.value, subject == effect.key_id))
    return connection.execute(select(revocation.c.seq).where(refused).limit(1)).first() is not None


def lifted(connection: Connection, session: Session) -> Session:
    """Return the session as it stands after what was revoked: `created_at` is not covered."""
    floor = _not_before(connection, session.subject)
    return replace(session, created_at=max(session.created_at, floor))


def _not_before(connection: Connection, subject: str) -> int:
    """Return the moment up to which everything of a subject is refused, 0 if there is none."""
    covering = or_(
        and_(revocation.c.kind == Kind.USER.value, revocation.c.subject == subject),
        and_(revocation.c.kind == Kind.ALL.value, revocation.c.subject == ""),
    )
    return connection.scalar(select(func.max(revocation.c.not_before)).where(covering)) or 0

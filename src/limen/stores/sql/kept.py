"""The verbs that remember revocations for a store that may forget, such as Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, select

from limen.effects import KeptRevocation
from limen.revocation import Kind
from limen.stores.sql.tables import kept

if TYPE_CHECKING:
    from sqlalchemy import Connection, Delete

    from limen.effects import KeepRevocations, ListKept


def keep(connection: Connection, effect: KeepRevocations) -> None:
    """Perform `KeepRevocations`."""
    rows = [
        {
            "kind": entry.kind.value,
            "subject": entry.subject,
            "not_before": entry.not_before,
            "expires_at": entry.expires_at,
            "sessions_until": entry.sessions_until,
        }
        for entry in effect.entries
    ]
    if rows:
        connection.execute(insert(kept), rows)


def listed(connection: Connection, effect: ListKept) -> tuple[KeptRevocation, ...]:
    """Perform `ListKept`."""
    newer = select(kept).where(kept.c.number > effect.after).order_by(kept.c.number)
    return tuple(
        KeptRevocation(
            kind=Kind(row.kind),
            subject=row.subject,
            not_before=row.not_before,
            expires_at=row.expires_at,
            sessions_until=row.sessions_until,
            number=row.number,
        )
        for row in connection.execute(newer.limit(effect.limit))
    )


def over(now: int) -> Delete:
    """Return the statement that forgets what could bring nothing back any more."""
    return delete(kept).where(and_(kept.c.sessions_until <= now, kept.c.expires_at <= now))

"""The audit log in a table: appended to in the transaction of what it tells of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from limen.audit import AuditEvent
from limen.effects.tickets import MOST_PURGED
from limen.stores.sql.tables import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Delete, Row

    from limen.effects import ReadAudit


def append(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Keep events, in their order."""
    if events:
        connection.execute(insert(audit), [_values(event) for event in events])


def _values(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "at": event.at,
        "subject": event.subject,
        "session_id": event.session_id,
        "reason": event.reason,
        "actor": event.actor,
        "address": event.address,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "details": json.dumps(event.details, separators=(",", ":")) if event.details else "{}",
    }


def read(connection: Connection, effect: ReadAudit) -> tuple[AuditEvent, ...]:
    """Perform `ReadAudit`."""
    order = audit.c.seq if effect.forward else audit.c.seq.desc()
    wanted = select(audit).where(*_conditions(effect)).order_by(order).limit(effect.limit)
    return tuple(map(_event_of, connection.execute(wanted)))


def _conditions(effect: ReadAudit) -> list[ColumnElement[bool]]:
    found = [audit.c.seq > effect.after]
    if effect.before is not None:
        found.append(audit.c.seq < effect.before)
    if effect.subject is not None:
        found.append(audit.c.subject == effect.subject)
    if effect.kinds:
        found.append(audit.c.kind.in_(effect.kinds))
    if effect.address is not None:
        found.append(audit.c.address == effect.address)
    if effect.since:
        found.append(audit.c.at >= effect.since)
    if effect.until is not None:
        found.append(audit.c.at < effect.until)
    return found


def _event_of(row: Row[Any]) -> AuditEvent:
    return AuditEvent(
        kind=row.kind,
        subject=row.subject,
        session_id=row.session_id,
        reason=row.reason,
        details=json.loads(row.details),
        at=row.at,
        actor=row.actor,
        address=row.address,
        user_agent=row.user_agent,
        request_id=row.request_id,
        id=row.id,
        seq=row.seq,
    )


def older(before: int) -> Delete:
    """Return the statement that deletes the oldest of what is older than `before`."""
    old = select(audit.c.seq).where(audit.c.at < before).order_by(audit.c.at).limit(MOST_PURGED)
    return delete(audit).where(audit.c.seq.in_(old))

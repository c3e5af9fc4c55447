"""The verbs about counters, single-use tickets, and what time has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, or_, select

from limen.effects import Increment, Ticket
from limen.stores.sql import audit, kept
from limen.stores.sql.locks import Lock, hold
from limen.stores.sql.rows import insert_for
from limen.stores.sql.tables import revocation, session, tally, ticket
from limen.throttle import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from limen.effects import (
        Consume,
        Draw,
        FindTicket,
        ForgetCounts,
        KeepTicket,
        Purge,
        ReadCounts,
    )


def increment(connection: Connection, effect: Increment) -> Tally:
    """Perform `Increment`: one statement, so that two attempts never share a number."""
    over = tally.c.resets_at <= effect.now
    resets_at = effect.now + effect.window
    counted = (
        insert_for(connection, tally)
        .values(key=effect.key, count=1, resets_at=resets_at)
        .on_conflict_do_update(
            index_elements=[tally.c.key],
            set_={
                "count": case((over, 1), else_=tally.c.count + 1),
                "resets_at": case((over, resets_at), else_=tally.c.resets_at),
            },
        )
        .returning(tally.c.count, tally.c.resets_at)
    )
    row = connection.execute(counted).one()
    return Tally(row._mapping["count"], row.resets_at)


def draw(connection: Connection, effect: Draw) -> tuple[Tally, ...]:
    """Perform `Draw`; a row stays locked to the end, so its number is this attempt's alone."""
    tallies: list[Tally] = []
    for one in effect.counters:
        tallies.append(increment(connection, Increment(one.key, one.window, effect.now)))
        if one.limit is not None and tallies[-1].count > one.limit:
            break
    return tuple(tallies)


def counts(connection: Connection, effect: ReadCounts) -> tuple[Tally | None, ...]:
    """Perform `ReadCounts`."""
    wanted = select(tally).where(tally.c.key.in_(effect.keys), tally.c.resets_at > effect.now)
    found = {
        row.key: Tally(row._mapping["count"], row.resets_at) for row in connection.execute(wanted)
    }
    return tuple(found.get(key) for key in effect.keys)


def forget_counts(connection: Connection, effect: ForgetCounts) -> None:
    """Perform `ForgetCounts`."""
    connection.execute(delete(tally).where(tally.c.key.in_(sorted(effect.keys))))


def keep(connection: Connection, effect: KeepTicket) -> None:
    """Perform `KeepTicket`; keeping the same one again replaces it."""
    kept = effect.ticket
    changing = {
        "subject": kept.subject,
        "expires_at": kept.expires_at,
        "detail": kept.detail or None,
    }
    connection.execute(
        insert_for(connection, ticket)
        .values(purpose=kept.purpose, digest=kept.digest, **changing)
        .on_conflict_do_update(index_elements=[ticket.c.purpose, ticket.c.digest], set_=changing)
    )


def find(connection: Connection, effect: FindTicket) -> Ticket | None:
    """Perform `FindTicket`."""
    wanted = select(ticket).where(
        ticket.c.purpose == effect.purpose, ticket.c.digest == effect.digest
    )
    return _valid(connection.execute(wanted).one_or_none(), effect.now)


def consume(connection: Connection, effect: Consume) -> Ticket | None:
    """Perform `Consume`: whoever deletes the row receives it."""
    used = (
        delete(ticket)
        .where(ticket.c.purpose == effect.purpose, ticket.c.digest == effect.digest)
        .returning(ticket)
    )
    return _valid(connection.execute(used).one_or_none(), effect.now)


def _valid(row: Row[Any] | None, now: int) -> Ticket | None:
    if row is None or row.expires_at <= now:
        return None
    return Ticket(row.purpose, row.digest, row.subject, row.expires_at, row.detail or "")


def purge(connection: Connection, effect: Purge) -> int:
    """Perform `Purge`. A session that another verb holds is left for the next time."""
    hold(connection, Lock.HOUSEKEEPING)
    now = effect.now
    connection.execute(kept.over(now))
    over = or_(session.c.expires_at <= now, session.c.used_at + session.c.idle <= now)
    # SKIP LOCKED never waits, so a purge cannot be part of a deadlock.
    ended = select(session.c.id).where(over).with_for_update(skip_locked=True)
    outdated = (
        delete(session).where(session.c.id.in_(ended)),
        delete(revocation).where(revocation.c.expires_at <= now),
        delete(tally).where(tally.c.resets_at <= now),
        delete(ticket).where(ticket.c.expires_at <= now),
        audit.older(effect.audit_before),
    )
    return sum(connection.execute(statement).rowcount for statement in outdated)

"""The revocation log: appended in one order, which is the order in which entries appear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Integer,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
)

from limen.errors import StoreUnavailable
from limen.revocation import Kind, Revocation
from limen.stores.sql.locks import Lock, hold
from limen.stores.sql.tables import revocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from limen.effects import FindRevocation, ReadLog
    from limen.session import Session


# What PostgreSQL notifies on when the log grows. Only a bell: the entries are in the table.
CHANNEL: Final = "limen_revocation"


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
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, "")))  # sent with the commit
    for subject in subjects:
        entry = insert(revocation).values(
            kind=kind.value, subject=subject, not_before=now + 1, expires_at=now + horizon
        )
        last = connection.execute(entry.returning(revocation.c.seq)).scalar_one()
    return last


_AFTER, _MOST = bindparam("after", type_=BigInteger), bindparam("most", type_=Integer)
_COLUMNS = revocation.c
_LATER = _COLUMNS.not_before > bindparam("issued_at", type_=BigInteger)
# Made once, because these run on every look and, while a feed is cut, on every request.
NEWER: Final = select(revocation).where(_COLUMNS.seq > _AFTER).order_by(_COLUMNS.seq).limit(_MOST)
# One look into the index for each kind; an entry about no key has no such subject.
REFUSED: Final = (
    select(_COLUMNS.seq)
    .where(
        or_(
            and_(
                _COLUMNS.kind == literal_column("'session'"),
                _COLUMNS.subject == bindparam("session_id"),
            ),
            and_(
                _COLUMNS.kind == literal_column("'user'"),
                _COLUMNS.subject == bindparam("owner"),
                _LATER,
            ),
            and_(
                _COLUMNS.kind == literal_column("'all'"),
                _COLUMNS.subject == literal_column("''"),
                _LATER,
            ),
            and_(_COLUMNS.kind == literal_column("'key'"), _COLUMNS.subject == bindparam("key_id")),
        )
    )
    .limit(1)
)


def revocation_of(row: Any) -> Revocation:
    """Return the entry of a row of `NEWER`; raises `StoreUnavailable` if it says what we cannot do.

    A newer version wrote it, and to pass over it would let in what it refuses.
    """
    seq, kind, subject, not_before, expires_at = row
    try:
        known = Kind(kind)
    except ValueError:
        known = None
    if known is None:
        raise StoreUnavailable(
            f"entry {seq} of the revocation log is of the kind {kind!r}, which this version "
            "does not know: update this process too"
        )
    return Revocation(seq, known, subject, not_before, expires_at)


def refused_values(effect: FindRevocation) -> dict[str, object]:
    """Return what `REFUSED` is asked about."""
    return {
        "session_id": effect.session_id,
        "owner": effect.subject,
        "key_id": effect.key_id,
        "issued_at": effect.issued_at,
    }


def read(connection: Connection, effect: ReadLog) -> tuple[Revocation, ...]:
    """Perform `ReadLog`."""
    rows = connection.execute(NEWER, {"after": effect.after, "most": effect.limit})
    return tuple(map(revocation_of, rows))


def find(connection: Connection, effect: FindRevocation) -> bool:
    """Perform `FindRevocation`: one statement."""
    return connection.execute(REFUSED, refused_values(effect)).first() is not None


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

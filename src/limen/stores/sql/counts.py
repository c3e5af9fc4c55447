"""The verb that counts what is live. It reads two tables from end to end: for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from limen.session import CredentialCount, Held
from limen.stores.sql.tables import secret, session

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from limen.effects import CountCredentials

_IDLE_END: Final = session.c.used_at + session.c.idle
# Written as one value, which no index has: most sessions are live, and to fetch each by an
# index takes three times as long as to read the table.
_ENDS_AT: Final = case((session.c.expires_at > _IDLE_END, _IDLE_END), else_=session.c.expires_at)
_LIVE: Final = bindparam("now", type_=BigInteger) < _ENDS_AT


def _many(wanted: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((wanted, 1), else_=0))


_AFTER: Final = bindparam("recent_since", type_=BigInteger)
_NUMBERS: Final = (
    func.count(),
    _many(or_(session.c.created_at > _AFTER, session.c.used_at > _AFTER)),
    _many(session.c.used_at <= bindparam("unused_since", type_=BigInteger)),
    func.max(_ENDS_AT),
    func.max(session.c.expires_at),
)
# One statement, so that both halves see the same moment.
COUNTS: Final = union_all(
    select(session.c.strategy, literal_column("'session'"), *_NUMBERS)
    .where(_LIVE)
    .group_by(session.c.strategy),
    select(session.c.strategy, secret.c.kind, *_NUMBERS)
    .select_from(secret.join(session, session.c.id == secret.c.session_id))
    .where(_LIVE, secret.c.used_at.is_(None))
    .group_by(session.c.strategy, secret.c.kind),
)


def counted(connection: Connection, effect: CountCredentials) -> tuple[CredentialCount, ...]:
    """Perform `CountCredentials`."""
    moments = {
        "now": effect.now,
        "recent_since": effect.recent_since,
        "unused_since": effect.unused_since,
    }
    found = [
        CredentialCount(strategy, Held(kind), *map(int, numbers))
        for strategy, kind, *numbers in connection.execute(COUNTS, moments)
    ]
    return tuple(sorted(found, key=lambda one: (one.strategy, one.kind)))

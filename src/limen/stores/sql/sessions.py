"""The verbs about sessions and what ends them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, assert_never

from sqlalchemy import (
    Case,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from limen.effects import Ended
from limen.revocation import Kind
from limen.session import Opened, Session, Standing, moment, readable
from limen.stores.sql import log
from limen.stores.sql.locks import Lock, hold, hold_subject
from limen.stores.sql.rows import session_of, session_values, standing_of
from limen.stores.sql.tables import account, secret, session
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.effects import (
        AttachCredential,
        FindSession,
        ListSessions,
        OpenSession,
        Revoke,
        SetSessionFields,
        TouchSession,
    )
    from limen.session import SessionLimit

REFERENCE: Final = "reference"
REFRESH: Final = "refresh"

_STANDING = select(
    session, account.c.roles.label("account_roles"), account.c.disabled.label("account_disabled")
)
_LATEST = select(
    func.coalesce(func.max(session.c.created_at), 0), func.coalesce(func.max(session.c.used_at), 0)
)
_OWNED = session.outerjoin(account, account.c.id == session.c.subject)
# Made once, because these run on every request.
BY_ID: Final = _STANDING.select_from(_OWNED).where(session.c.id == bindparam("wanted"))
BY_DIGEST: Final = (
    _STANDING.select_from(secret.join(session, session.c.id == secret.c.session_id))
    .outerjoin(account, account.c.id == session.c.subject)
    .where(
        secret.c.digest == bindparam("wanted"),
        secret.c.kind == bindparam("kind"),
        secret.c.used_at.is_(None),
    )
)


def find(connection: Connection, effect: FindSession) -> Standing | None:
    """Perform `FindSession`: one statement."""
    if effect.digest is None:
        return standing(connection, effect.id or "")
    row = connection.execute(BY_DIGEST, {"wanted": effect.digest, "kind": REFERENCE}).one_or_none()
    return None if row is None else standing_of(row._mapping)


def standing(connection: Connection, session_id: str) -> Standing | None:
    """Return a session and its account's state."""
    row = connection.execute(BY_ID, {"wanted": session_id}).one_or_none()
    return None if row is None else standing_of(row._mapping)


def listed(connection: Connection, effect: ListSessions) -> tuple[Session, ...]:
    """Perform `ListSessions`."""
    living = _living(effect.subject, effect.now, *session.c)
    newest_first = living.order_by(session.c.created_at.desc(), session.c.id)
    return tuple(readable(session_of, connection.execute(newest_first).mappings()))


def open_(connection: Connection, effect: OpenSession) -> Opened | Reason:
    """Perform `OpenSession`."""
    new = effect.session
    # Whoever counts the sessions of a subject must be alone with them.
    hold_subject(connection, new.subject, shared=effect.limit is None)
    owner = select(account.c.disabled, account.c.revision).where(account.c.id == new.subject)
    row = connection.execute(owner).one_or_none()
    if row is not None and row.disabled:
        return Reason.ACCOUNT_CHANGED
    if effect.revision is not None and (row is None or row.revision != effect.revision):
        return Reason.ACCOUNT_CHANGED
    leaving: list[str] = []
    if effect.replaces is not None:
        living = _living(new.subject, new.used_at, session.c.fields)
        named = living.where(session.c.id == effect.replaces).with_for_update()
        replaced = connection.execute(named).one_or_none()
        if replaced is None:
            return Reason.UNKNOWN_SESSION
        leaving.append(effect.replaces)
        new = replace(new, fields=replaced.fields)
    if effect.limit is not None:
        crowd = _crowd(connection, new, effect.limit, effect.replaces)
        if crowd and not effect.limit.evicts:
            return Reason.TOO_MANY_SESSIONS
        leaving += crowd
    ids, latest = end(connection, session.c.id.in_(leaving), new.used_at) if leaving else ([], 0)
    new = log.lifted(connection, new)
    connection.execute(insert(session).values(session_values(new)))
    _add_secrets(connection, new.id, new.created_at, effect.reference, effect.refresh)
    log.append(connection, Kind.SESSION, ids, latest, effect.horizon)
    return Opened(new, tuple(ids))


def _living(subject: str, now: int, *columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns).where(
        session.c.subject == subject,
        session.c.expires_at > now,
        session.c.used_at + session.c.idle > now,
    )


def _crowd(
    connection: Connection, new: Session, limit: SessionLimit, replaced: str | None
) -> list[str]:
    """Return who must give way to a new session: those whose last use is the longest ago."""
    used = session.c.used_at.desc(), session.c.created_at.desc(), session.c.id
    living = _living(new.subject, new.used_at, session.c.id).order_by(*used)
    if replaced is not None:
        living = living.where(session.c.id != replaced)
    return list(connection.scalars(living.offset(limit.most - 1)))


def attach(connection: Connection, effect: AttachCredential) -> Standing | None:
    """Perform `AttachCredential`."""
    moved = update(session).where(session.c.id == effect.session_id)
    moved = moved.values(used_at=_later(effect.now))
    if effect.strategy is not None:
        moved = moved.values(strategy=effect.strategy)
    if connection.execute(moved.returning(session.c.id)).one_or_none() is None:
        return None
    _add_secrets(connection, effect.session_id, effect.now, effect.reference, effect.refresh)
    attached = standing(connection, effect.session_id)
    if attached is None:
        return None
    return replace(attached, session=log.lifted(connection, attached.session))


def _add_secrets(
    connection: Connection,
    session_id: str,
    now: int,
    reference: bytes | None,
    refresh: bytes | None,
) -> None:
    for kind, digest in ((REFERENCE, reference), (REFRESH, refresh)):
        if digest is not None:
            values = {"digest": digest, "session_id": session_id, "kind": kind, "issued_at": now}
            connection.execute(insert(secret).values(values))


def set_fields(connection: Connection, effect: SetSessionFields) -> Session | None:
    """Perform `SetSessionFields`: an update, which revives nothing."""
    changed = (
        update(session)
        .where(session.c.id == effect.id)
        .values(fields=effect.fields)
        .returning(session)
    )
    row = connection.execute(changed).mappings().one_or_none()
    return None if row is None else session_of(row)


def touch(connection: Connection, effect: TouchSession) -> bool:
    """Perform `TouchSession`: an update, so it cannot bring a session back."""
    return use(connection, effect.id, effect.used_at)


def use(connection: Connection, session_id: str, used_at: int) -> bool:
    """Record a use; `used_at` never moves back. False if the session is gone."""
    touched = update(session).where(session.c.id == session_id).values(used_at=_later(used_at))
    return connection.execute(touched.returning(session.c.id)).one_or_none() is not None


def _later(used_at: int) -> Case[int]:
    return case((session.c.used_at < used_at, used_at), else_=session.c.used_at)


def revoke(connection: Connection, effect: Revoke) -> Ended:
    """Perform `Revoke`: first the sessions, then the log (see `locks`)."""
    target, now, horizon = effect.target, effect.now, effect.horizon
    if target.spares_sessions:
        hold_subject(connection, target.subject, shared=False)
        owned = session.c.subject == target.subject
        # Alone with their rows: who is about to sign a token either shows the moment here, or
        # reads what this transaction has changed.
        rows = select(session.c.id).where(owned).order_by(session.c.id)
        connection.execute(rows.with_for_update()).all()
        latest = max(now, *map(moment, connection.execute(_LATEST.where(owned)).one()))
        return Ended(0, log.append(connection, target.kind, [target.subject], latest, horizon))
    match target.kind:
        case Kind.SESSION:
            named = session.c.id == target.subject
            if target.owner is not None:
                named = and_(named, session.c.subject == target.owner)
            ids, latest = end(connection, named, now)
            return Ended(len(ids), log.append(connection, Kind.SESSION, ids, latest, horizon))
        case Kind.USER:
            hold_subject(connection, target.subject, shared=False)
            return end_user(connection, target.subject, target.keep, now, horizon)
        case Kind.KEY:
            return Ended(0, log.append(connection, Kind.KEY, [target.subject], now, horizon))
        case Kind.ALL:
            hold(connection, Lock.EVERYBODY)
            ids, latest = end(connection, true(), now)
            return Ended(len(ids), log.append(connection, Kind.ALL, [""], latest, horizon))
        case _:
            assert_never(target.kind)


def end(connection: Connection, wanted: ColumnElement[bool], now: int) -> tuple[list[str], int]:
    """Delete sessions with their credentials; return their ids and their last moment.

    That is when the last of them was given a token, at least `now`. It may lie after `now`: a
    refresh was committed while this revocation waited, or by a machine whose clock is ahead.
    Its token must fall under the entry all the same, and not outlive it.
    """
    moments = (session.c.created_at, session.c.used_at)
    gone = connection.execute(delete(session).where(wanted).returning(session.c.id, *moments))
    ids, latest = [], now
    for session_id, created_at, used_at in gone:
        ids.append(session_id)
        latest = max(latest, moment(created_at), moment(used_at))
    return sorted(ids), latest


def end_user(
    connection: Connection, subject: str, keep: str | None, now: int, horizon: int
) -> Ended:
    """End the sessions of a subject whose lock is held, but for `keep`, and log it."""
    owned = session.c.subject == subject
    if keep is None:
        ids, latest = end(connection, owned, now)
        return Ended(len(ids), log.append(connection, Kind.USER, [subject], latest, horizon))
    ids, latest = end(connection, and_(owned, session.c.id != keep), now)
    return Ended(len(ids), log.append(connection, Kind.SESSION, ids, latest, horizon))

"""The verbs about sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.session import NO_FIELDS, Opened, readable
from limen.stores.redis import revocations, scripts
from limen.stores.redis.accounts import run_with_account
from limen.stores.redis.rows import body_of, fields_of, session_of, standing_of, text_of
from limen.stores.redis.steps import Reply, Steps, run
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.effects import (
        AttachCredential,
        FindSession,
        ListSessions,
        OpenSession,
        SetSessionFields,
        TouchSession,
    )
    from limen.session import Session, Standing

# A key outlives its session by this, in milliseconds, because Redis's clock is another one:
# when a session ends is decided by the caller's. Only `Purge` and this remove it.
_MARGIN: Final = 86_400_000


_REFUSALS: Final = {
    b"refused": Reason.ACCOUNT_CHANGED,
    b"gone": Reason.UNKNOWN_SESSION,
    b"crowded": Reason.TOO_MANY_SESSIONS,
}


def open_(effect: OpenSession) -> Steps[Opened | Reason]:
    """Perform `OpenSession`. Where something ends, in the three steps of `revocations`."""
    reply = yield from _opening(effect, kept=False)
    kept = revocations.NOTHING
    if reply[0] == b"ends":
        kept = revocations.extent_of(reply[1:])
        yield from revocations.keep_sessions(kept, effect.horizon)
        reply = yield from _opening(effect, kept=True)
    if reply[0] in _REFUSALS:
        return _REFUSALS[reply[0]]
    ended = revocations.extent_of(reply[3:])
    if not kept.covers(ended):
        yield from revocations.keep_sessions(ended, effect.horizon)
    fields = text_of(reply[2]) or NO_FIELDS
    opened = replace(effect.session, created_at=int(reply[1]), fields=fields)
    return Opened(opened, tuple(sorted(ended.ids)))


def _opening(effect: OpenSession, *, kept: bool) -> Steps[Reply]:
    new, limit = effect.session, effect.limit
    return (
        yield from run_with_account(
            scripts.OPEN,
            new.id,
            new.subject,
            effect.revision,
            effect.reference,
            effect.refresh,
            new.strategy,
            new.created_at,
            new.used_at,
            new.expires_at,
            new.idle,
            body_of(new),
            max(0, new.expires_at - new.created_at) + _MARGIN,
            fields_of(new),
            effect.replaces,
            None if limit is None else limit.most,
            limit is not None and limit.evicts,
            effect.horizon,
            kept,
        )
    )


def attach(effect: AttachCredential) -> Steps[Standing | None]:
    """Perform `AttachCredential`."""
    reply = yield from run_with_account(
        scripts.ATTACH,
        effect.session_id,
        effect.strategy,
        effect.now,
        effect.reference,
        effect.refresh,
    )
    return None if reply[0] == b"none" else standing_of(reply)


def find(effect: FindSession) -> Steps[Standing | None]:
    """Perform `FindSession`: one script, and a look at the account's home now and then."""
    reply = yield from run_with_account(scripts.FIND, effect.digest, effect.id)
    return None if reply[0] == b"none" else standing_of(reply)


def touch(effect: TouchSession) -> Steps[bool]:
    """Perform `TouchSession`."""
    reply = yield from run(scripts.TOUCH, effect.id, effect.used_at)
    return bool(reply[0] == b"touched")


def set_fields(effect: SetSessionFields) -> Steps[Session | None]:
    """Perform `SetSessionFields`."""
    reply = yield from run(scripts.SET_FIELDS, effect.id, effect.fields)
    return None if reply[0] == b"none" else session_of(reply[1:10])


def listed(effect: ListSessions) -> Steps[tuple[Session, ...]]:
    """Perform `ListSessions`."""
    _, *rows = yield from run(scripts.LISTED, effect.subject, effect.now)
    living = readable(session_of, rows)
    return tuple(sorted(living, key=lambda session: (-session.created_at, session.id)))

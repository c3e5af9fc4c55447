"""The verbs about sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.stores.redis import scripts
from limen.stores.redis.accounts import run_with_account
from limen.stores.redis.rows import body_of, fields_of, session_of, standing_of
from limen.stores.redis.steps import Steps, run

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


def open_(effect: OpenSession) -> Steps[Session | None]:
    """Perform `OpenSession`."""
    new = effect.session
    reply = yield from run_with_account(
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
    )
    return None if reply[0] == b"refused" else replace(new, created_at=int(reply[1]))


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
    living = (session_of(row) for row in rows)
    return tuple(sorted(living, key=lambda session: (-session.created_at, session.id)))

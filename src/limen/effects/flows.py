"""The closed union of all effects, and the five spellings in which flows are written."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from limen.audit import AuditEvent, AuditKind, Detail
from limen.effects.accounts import (
    AddAccount,
    AddIdentity,
    FindAccount,
    ListAccounts,
    ListIdentities,
    RemoveAccount,
    RemoveIdentity,
    SetDisabled,
    SetEmail,
    SetPassword,
    SetUsername,
    UpdateAccount,
    UpdateIdentity,
)
from limen.effects.asking import Effect
from limen.effects.audit import AppendAudit, ReadAudit
from limen.effects.families import FindRefresh, RotateRefresh
from limen.effects.keys import AddKey, LoadKeys, PromoteKey, RemoveKey, ResealKey, SetKeyState
from limen.effects.local import (
    AskFeed,
    AskPosition,
    HashPassword,
    RefreshKeys,
    Remember,
    SearchBreaches,
    SendLetter,
    VerifyPassword,
)
from limen.effects.log import FindRevocation, KeepRevocations, ListKept, ReadLog, Revoke
from limen.effects.sessions import (
    AttachCredential,
    CountCredentials,
    FindSession,
    ListSessions,
    OpenSession,
    SetSessionFields,
    TouchSession,
)
from limen.effects.tickets import (
    Consume,
    Draw,
    FindTicket,
    ForgetCounts,
    Increment,
    KeepTicket,
    Purge,
    ReadCounts,
)
from limen.evidence import Check, Checks, Enter, Evidence, Note
from limen.session import Opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limen.phase import Phase
    from limen.principal import Client
    from limen.verdict import Reason

A = TypeVar("A")
R = TypeVar("R")

StoreEffect: TypeAlias = (
    FindAccount
    | ListAccounts
    | AddAccount
    | UpdateAccount
    | SetEmail
    | SetUsername
    | SetPassword
    | SetDisabled
    | RemoveAccount
    | ListIdentities
    | AddIdentity
    | UpdateIdentity
    | RemoveIdentity
    | OpenSession
    | AttachCredential
    | FindSession
    | TouchSession
    | SetSessionFields
    | ListSessions
    | CountCredentials
    | Revoke
    | FindRefresh
    | RotateRefresh
    | ReadLog
    | FindRevocation
    | KeepRevocations
    | ListKept
    | Increment
    | Draw
    | ReadCounts
    | ForgetCounts
    | KeepTicket
    | FindTicket
    | Consume
    | Purge
    | AppendAudit
    | ReadAudit
    | LoadKeys
    | AddKey
    | PromoteKey
    | SetKeyState
    | ResealKey
    | RemoveKey
)
LocalEffect: TypeAlias = (
    AskFeed
    | AskPosition
    | Remember
    | RefreshKeys
    | HashPassword
    | VerifyPassword
    | SearchBreaches
    | SendLetter
)
AnyEffect: TypeAlias = StoreEffect | LocalEffect
Observation: TypeAlias = Enter | Check | Checks | Note
Step: TypeAlias = AnyEffect | Observation
Flow: TypeAlias = Generator[Step, Any, R]
_REVOKING = (Revoke, RotateRefresh, SetDisabled, SetPassword, RemoveAccount)


def may_have_revoked(effect: AnyEffect, answer: object) -> bool:
    """Tell whether the log may have grown: a process that did it looks at the log at once."""
    if isinstance(effect, OpenSession):
        return isinstance(answer, Opened) and bool(answer.ended)
    if isinstance(effect, UpdateAccount):
        return effect.roles is not None and effect.horizon > 0
    return isinstance(effect, _REVOKING)


# -- the spellings in which flows are written


def ask(effect: Effect[A]) -> Flow[A]:
    """Ask the world.

    Written `answer = yield from ask(FindSession(digest))`.
    """
    answer = yield cast("AnyEffect", effect)
    return cast("A", answer)


def check(
    name: str, ok: bool, reason: Reason | None = None, detail: Evidence | None = None
) -> Flow[bool]:
    """Apply a rule and record how it came out.

    Written `ok = yield from check("idle", ...)`.
    """
    yield Check(name, ok, None if ok else reason, detail)
    return ok


def enter(phase: Phase, given: Mapping[str, Evidence] | None = None) -> Flow[None]:
    """Begin a step of the vocabulary.

    Written `yield from enter(Phase.USER_LOOKUP)`.
    """
    yield Enter(phase, given or {})


def note(name: str, value: Evidence) -> Flow[None]:
    """Say what the step brought about.

    Written `yield from note("session", ...)`.
    """
    yield Note(name, value)


def record(
    kind: AuditKind,
    *,
    subject: str | None = None,
    session_id: str | None = None,
    reason: Reason | None = None,
    actor: str = "",
    client: Client | None = None,
    **details: Detail,
) -> Flow[None]:
    """Tell the audit log of something that changed nothing, such as a refusal.

    Written `yield from record(AuditKind.SIGN_IN_REFUSED, subject=...)`. When, from where and
    by whom is added by whoever runs the flow, unless it is given. What an effect changes is
    told by itself.
    """
    event = AuditEvent.of(
        kind,
        subject=subject,
        session_id=session_id,
        reason=reason,
        actor=actor,
        client=client,
        **details,
    )
    yield AppendAudit(events=(event,))

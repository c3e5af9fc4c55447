"""What each change says to the audit log by itself, and what it says once it is known to be done.

The list is complete: whatever writes is in `MEANS` or in `SAYS_NOTHING`, and a test holds that.
So no operation can change who may sign in and leave no trace of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from limen.account import PASSWORD_PROVIDER
from limen.assurance import acr_of
from limen.audit import MAX_TEXT, AuditEvent, AuditKind, legible
from limen.effects import accounts, families, keys, log, sessions, tickets
from limen.effects.audit import AppendAudit
from limen.family import Replayed
from limen.keyring import KeyState
from limen.letter import Errand
from limen.revocation import Kind
from limen.session import Opened
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.effects.asking import Writing

W = TypeVar("W", bound="Writing[Any]")
Events = tuple[AuditEvent, ...]

_ERRANDS: Final = frozenset(one.value for one in Errand)


def _opened(effect: sessions.OpenSession) -> Events:
    session = effect.session
    kind = AuditKind.SIGN_IN_ACCEPTED if effect.replaces is None else AuditKind.REAUTHENTICATED
    return (
        AuditEvent.of(
            kind,
            subject=session.subject,
            session_id=session.id,
            actor=session.subject,
            client=session.client,
            methods=" ".join(session.methods),
            acr=acr_of(session.methods),
            strategy=session.strategy,
        ),
    )


def _attached(effect: sessions.AttachCredential) -> Events:
    if effect.strategy is None:  # a token for another service, which is a use and no change
        return ()
    kind = AuditKind.TOKENS_EXCHANGED
    return (AuditEvent.of(kind, session_id=effect.session_id, strategy=effect.strategy),)


def _revoked(effect: log.Revoke) -> Events:
    target = effect.target
    if target.kind is Kind.SESSION:
        kind = AuditKind.SIGN_OUT if target.by_holder else AuditKind.SESSION_ENDED
        actor = (target.owner or "") if target.by_holder else ""
        return (AuditEvent.of(kind, subject=target.owner, session_id=target.subject, actor=actor),)
    if target.kind is Kind.KEY:
        aim, key_id = target.kind.value, target.subject
        return (AuditEvent.of(AuditKind.REVOKED, target=aim, key_id=key_id),)
    aim = "tokens" if target.spares_sessions else target.kind.value
    return (AuditEvent.of(AuditKind.REVOKED, subject=target.subject or None, target=aim),)


def _rotated(effect: families.RotateRefresh) -> Events:
    del effect  # whose token it is, only the store knows
    return (AuditEvent.of(AuditKind.REFRESH_REPLAYED),)


def _added(effect: accounts.AddAccount) -> Events:
    provider = PASSWORD_PROVIDER if effect.identity is None else effect.identity.provider
    account = effect.account
    kind, verified = AuditKind.ACCOUNT_CREATED, account.email_verified
    return (AuditEvent.of(kind, subject=account.id, provider=provider, verified=verified),)


def _updated(effect: accounts.UpdateAccount) -> Events:
    if effect.roles is None:
        return ()
    roles = " ".join(sorted(effect.roles))
    return (AuditEvent.of(AuditKind.ROLES_CHANGED, subject=effect.id, roles=roles),)


def _password(effect: accounts.SetPassword) -> Events:
    if not effect.moves_on:
        return ()
    return (AuditEvent.of(AuditKind.PASSWORD_CHANGED, subject=effect.id),)


def _disabled(effect: accounts.SetDisabled) -> Events:
    kind = AuditKind.ACCOUNT_DISABLED if effect.disabled else AuditKind.ACCOUNT_ENABLED
    return (AuditEvent.of(kind, subject=effect.id),)


def _email(effect: accounts.SetEmail) -> Events:
    if effect.email != effect.replacing:
        kind, verified = AuditKind.EMAIL_CHANGED, effect.verified
        return (AuditEvent.of(kind, subject=effect.id, verified=verified),)
    return (AuditEvent.of(AuditKind.EMAIL_VERIFIED, subject=effect.id),) if effect.verified else ()


def _username(effect: accounts.SetUsername) -> Events:
    return (AuditEvent.of(AuditKind.USERNAME_CHANGED, subject=effect.id),)


def _removed(effect: accounts.RemoveAccount) -> Events:
    return (AuditEvent.of(AuditKind.ACCOUNT_DELETED, subject=effect.id),)


def _linked(effect: accounts.AddIdentity) -> Events:
    identity = effect.identity
    kind, provider = AuditKind.IDENTITY_LINKED, identity.provider
    return (AuditEvent.of(kind, subject=identity.account_id, provider=provider),)


def _unlinked(effect: accounts.RemoveIdentity) -> Events:
    return (AuditEvent.of(AuditKind.IDENTITY_UNLINKED, subject=effect.account_id),)


def _ticket(effect: tickets.KeepTicket) -> Events:
    ticket = effect.ticket
    if ticket.purpose not in _ERRANDS:
        return ()
    kind, errand = AuditKind.LETTER_REQUESTED, ticket.purpose
    return (AuditEvent.of(kind, subject=ticket.subject or None, errand=errand),)


def _key_added(effect: keys.AddKey) -> Events:
    return (AuditEvent.of(AuditKind.KEY_CREATED, key_id=effect.record.id),)


def _key_promoted(effect: keys.PromoteKey) -> Events:
    return (AuditEvent.of(AuditKind.KEY_ROTATED, key_id=effect.key_id),)


def _key_moved(effect: keys.SetKeyState) -> Events:
    if effect.state is not KeyState.RETIRED:
        return ()
    return (AuditEvent.of(AuditKind.KEY_RETIRED, key_id=effect.key_id),)


def _key_removed(effect: keys.RemoveKey) -> Events:
    return (AuditEvent.of(AuditKind.KEY_REMOVED, key_id=effect.key_id),)


MEANS: Final[Mapping[type, Callable[[Any], Events]]] = MappingProxyType(
    {
        sessions.OpenSession: _opened,
        sessions.AttachCredential: _attached,
        log.Revoke: _revoked,
        families.RotateRefresh: _rotated,
        accounts.AddAccount: _added,
        accounts.UpdateAccount: _updated,
        accounts.SetPassword: _password,
        accounts.SetDisabled: _disabled,
        accounts.SetEmail: _email,
        accounts.SetUsername: _username,
        accounts.RemoveAccount: _removed,
        accounts.AddIdentity: _linked,
        accounts.RemoveIdentity: _unlinked,
        tickets.KeepTicket: _ticket,
        keys.AddKey: _key_added,
        keys.PromoteKey: _key_promoted,
        keys.SetKeyState: _key_moved,
        keys.RemoveKey: _key_removed,
    }
)
# They change nothing about who may sign in, or their events are given by the flow.
SAYS_NOTHING: Final = frozenset(
    {
        AppendAudit,
        sessions.TouchSession,
        sessions.SetSessionFields,
        accounts.UpdateIdentity,
        log.KeepRevocations,
        tickets.Increment,
        tickets.Draw,
        tickets.ForgetCounts,
        tickets.Consume,
        tickets.Purge,
        keys.ResealKey,
    }
)


def meant(effect: Writing[Any]) -> Events:
    """Return what the audit log is to say of a change: what the flow gave, else what it means."""
    if effect.events:
        return effect.events
    means = MEANS.get(type(effect))
    return () if means is None else means(effect)


def told(effect: Writing[Any], answer: object) -> Events:
    """Return the events that are kept of a change, now that its answer is known.

    None if it did not do what it was asked. What only the store knew is filled in: how many
    sessions ended, and whose they were. An account that was not opened is told as such, in the
    same transaction: one more write would say by its time that the address is taken.
    """
    if isinstance(effect, accounts.AddAccount) and answer is False:
        return tuple(map(_not_opened, effect.events))
    if not effect.events or not _happened(effect, answer):
        return ()
    filled = tuple(_filled(event, effect, answer) for event in effect.events)
    if isinstance(effect, sessions.OpenSession) and isinstance(answer, Opened):
        return filled + _evicted(filled[0], effect, answer)
    return filled


def _evicted(event: AuditEvent, effect: sessions.OpenSession, answer: Opened) -> Events:
    """Return an event for each session that gave way; the one that goes on under it did not."""
    gone = [one for one in answer.ended if one != effect.replaces]
    kind = AuditKind.SESSION_EVICTED
    return tuple(
        replace(
            event, kind=kind, session_id=one, details={}, id=event.id and f"{event.id}.{number}"
        )
        for number, one in enumerate(gone, start=1)
    )


def _not_opened(event: AuditEvent) -> AuditEvent:
    kind, reason = AuditKind.SIGN_UP_REFUSED, Reason.EMAIL_TAKEN
    return replace(event, kind=kind, reason=reason, subject=None, details={})


def _happened(effect: Writing[Any], answer: object) -> bool:
    match effect:
        case AppendAudit() | tickets.KeepTicket() | log.KeepRevocations():
            return True
        case families.RotateRefresh():
            return isinstance(answer, Replayed)
        case accounts.RemoveIdentity():
            return answer is accounts.Removal.REMOVED
        case log.Revoke(target) if isinstance(answer, log.Ended):
            return target.kind is not Kind.SESSION or answer.sessions > 0
        case sessions.OpenSession():
            return isinstance(answer, Opened)
        case _:
            return answer is not None and answer is not False


def _filled(event: AuditEvent, effect: Writing[Any], answer: object) -> AuditEvent:
    if isinstance(answer, Replayed):
        return replace(
            event,
            subject=legible(answer.subject, MAX_TEXT),
            session_id=answer.session_id,
            details={**event.details, "sessions": 1},
        )
    if isinstance(effect, sessions.AttachCredential) and event.subject is None:
        standing: Any = answer
        return replace(event, subject=legible(standing.session.subject, MAX_TEXT))
    if isinstance(effect, log.Revoke) and isinstance(answer, log.Ended):
        return replace(event, details={**event.details, "sessions": answer.sessions})
    return event

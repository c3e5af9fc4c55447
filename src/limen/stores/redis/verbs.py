"""From an effect to its verb. Both stores use this one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, assert_never

from limen import effects
from limen.stores.redis import accounts, counts, families, housekeeping, revocations, sessions
from limen.stores.redis.steps import Steps, home

if TYPE_CHECKING:
    from limen.effects import StoreEffect


_AT_HOME: Final = (
    effects.FindAccount,
    effects.ListAccounts,
    effects.SetUsername,
    effects.ListIdentities,
    effects.AddIdentity,
    effects.UpdateIdentity,
    effects.KeepRevocations,
    effects.ListKept,
    # A ticket that was used must not come back with an old state of Redis.
    effects.KeepTicket,
    effects.FindTicket,
    effects.Consume,
    effects.LoadKeys,
    effects.AddKey,
    effects.PromoteKey,
    effects.SetKeyState,
    effects.ResealKey,
    effects.RemoveKey,
    effects.AppendAudit,
    effects.ReadAudit,
)

# What changes in Redis alone and is told to the audit log.
_IN_REDIS: Final = (
    effects.OpenSession,
    effects.AttachCredential,
    effects.Revoke,
    effects.RotateRefresh,
)


def steps(effect: StoreEffect) -> Steps[Any]:
    """Return the steps of one verb. What Redis does not hold is asked of its home.

    The audit log is at home: what changes there is told there at once, and what changes in
    Redis alone in the step that follows.
    """
    verb = _steps(effect)
    return _recorded(effect, verb) if isinstance(effect, _IN_REDIS) else verb


def _recorded(effect: effects.Writing[Any], verb: Steps[Any]) -> Steps[Any]:
    answer = yield from verb
    events = effects.told(effect, answer)
    if events:
        yield from home(effects.AppendAudit(events=events))
    return answer


def _steps(effect: StoreEffect) -> Steps[Any]:  # noqa: C901, PLR0912 - a case per member of a union
    if isinstance(effect, _AT_HOME):
        return home(effect)
    match effect:
        case effects.AddAccount():
            return accounts.add(effect)
        case effects.UpdateAccount():
            return accounts.update(effect)
        case effects.SetPassword():
            return accounts.set_password(effect)
        case effects.SetDisabled():
            return accounts.set_disabled(effect)
        case effects.SetEmail():
            return accounts.set_email(effect)
        case effects.RemoveAccount():
            return accounts.remove(effect)
        case effects.RemoveIdentity():
            return accounts.remove_identity(effect)
        case effects.OpenSession():
            return sessions.open_(effect)
        case effects.AttachCredential():
            return sessions.attach(effect)
        case effects.FindSession():
            return sessions.find(effect)
        case effects.TouchSession():
            return sessions.touch(effect)
        case effects.SetSessionFields():
            return sessions.set_fields(effect)
        case effects.ListSessions():
            return sessions.listed(effect)
        case effects.Revoke():
            return revocations.revoke(effect)
        case effects.FindRefresh():
            return families.find(effect)
        case effects.RotateRefresh():
            return families.rotate(effect)
        case effects.ReadLog():
            return revocations.read(effect)
        case effects.FindRevocation():
            return revocations.find(effect)
        case effects.CountCredentials():
            return counts.counted(effect)
        case effects.Increment():
            return housekeeping.increment(effect)
        case effects.Draw():
            return housekeeping.draw(effect)
        case effects.ReadCounts():
            return housekeeping.read_counts(effect)
        case effects.ForgetCounts():
            return housekeeping.forget_counts(effect)
        case effects.Purge():
            return housekeeping.purge(effect)
        case _:
            assert_never(effect)

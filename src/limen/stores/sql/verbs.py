"""From an effect to its verb. Both stores use this one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from limen import effects
from limen.stores.sql import (
    accounts,
    audit,
    counts,
    families,
    identities,
    kept,
    keys,
    log,
    sessions,
    tickets,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from limen.effects import StoreEffect


def answer(connection: Connection, effect: StoreEffect) -> object:
    """Perform one effect on a connection; the caller begins and ends the transaction.

    What the audit log says of it is part of that transaction.
    """
    found = _answer(connection, effect)
    if isinstance(effect, effects.Writing):
        audit.append(connection, effects.told(effect, found))
    return found


def _answer(  # noqa: C901, PLR0912 - one case per member of a closed union
    connection: Connection, effect: StoreEffect
) -> object:
    match effect:
        case effects.FindAccount():
            return accounts.find(connection, effect)
        case effects.ListAccounts():
            return accounts.listed(connection, effect)
        case effects.AddAccount():
            return accounts.add(connection, effect)
        case effects.UpdateAccount():
            return accounts.change(connection, effect)
        case effects.SetPassword():
            return accounts.set_password(connection, effect)
        case effects.SetDisabled():
            return accounts.set_disabled(connection, effect)
        case effects.SetEmail():
            return accounts.set_email(connection, effect)
        case effects.SetUsername():
            return accounts.set_username(connection, effect)
        case effects.RemoveAccount():
            return accounts.remove(connection, effect)
        case effects.ListIdentities():
            return identities.listed(connection, effect)
        case effects.AddIdentity():
            return identities.add(connection, effect)
        case effects.UpdateIdentity():
            return identities.change(connection, effect)
        case effects.RemoveIdentity():
            return identities.remove(connection, effect)
        case effects.OpenSession():
            return sessions.open_(connection, effect)
        case effects.AttachCredential():
            return sessions.attach(connection, effect)
        case effects.FindSession():
            return sessions.find(connection, effect)
        case effects.TouchSession():
            return sessions.touch(connection, effect)
        case effects.SetSessionFields():
            return sessions.set_fields(connection, effect)
        case effects.ListSessions():
            return sessions.listed(connection, effect)
        case effects.CountCredentials():
            return counts.counted(connection, effect)
        case effects.Revoke():
            return sessions.revoke(connection, effect)
        case effects.FindRefresh():
            return families.find(connection, effect)
        case effects.RotateRefresh():
            return families.rotate(connection, effect)
        case effects.ReadLog():
            return log.read(connection, effect)
        case effects.FindRevocation():
            return log.find(connection, effect)
        case effects.KeepRevocations():
            kept.keep(connection, effect)
            return None
        case effects.ListKept():
            return kept.listed(connection, effect)
        case effects.Increment():
            return tickets.increment(connection, effect)
        case effects.Draw():
            return tickets.draw(connection, effect)
        case effects.ReadCounts():
            return tickets.counts(connection, effect)
        case effects.ForgetCounts():
            tickets.forget_counts(connection, effect)
            return None
        case effects.KeepTicket():
            tickets.keep(connection, effect)
            return None
        case effects.FindTicket():
            return tickets.find(connection, effect)
        case effects.Consume():
            return tickets.consume(connection, effect)
        case effects.Purge():
            return tickets.purge(connection, effect)
        case effects.AppendAudit():
            return None
        case effects.ReadAudit():
            return audit.read(connection, effect)
        case effects.LoadKeys():
            return keys.load(connection, effect)
        case effects.AddKey():
            return keys.add(connection, effect)
        case effects.PromoteKey():
            return keys.promote(connection, effect)
        case effects.SetKeyState():
            return keys.set_state(connection, effect)
        case effects.ResealKey():
            return keys.reseal(connection, effect)
        case effects.RemoveKey():
            return keys.remove(connection, effect)
        case _:
            assert_never(effect)

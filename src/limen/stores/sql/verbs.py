"""From an effect to its verb. Both stores use this one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from limen.effects import (
    AddAccount,
    AddKey,
    AttachCredential,
    Consume,
    FindAccount,
    FindRefresh,
    FindRevocation,
    FindSession,
    Increment,
    KeepTicket,
    ListAccounts,
    ListSessions,
    LoadKeys,
    OpenSession,
    PromoteKey,
    Purge,
    ReadLog,
    RemoveKey,
    ResealKey,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetKeyState,
    SetPassword,
    TouchSession,
    UpdateAccount,
)
from limen.stores.sql import accounts, families, keys, log, sessions, tickets

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from limen.effects import StoreEffect


def answer(  # noqa: C901, PLR0912 - one case per member of a closed union
    connection: Connection, effect: StoreEffect
) -> object:
    """Perform one effect on a connection; the caller begins and ends the transaction."""
    match effect:
        case FindAccount():
            return accounts.find(connection, effect)
        case ListAccounts():
            return accounts.listed(connection, effect)
        case AddAccount():
            return accounts.add(connection, effect)
        case UpdateAccount():
            return accounts.change(connection, effect)
        case SetPassword():
            return accounts.set_password(connection, effect)
        case SetDisabled():
            return accounts.set_disabled(connection, effect)
        case OpenSession():
            return sessions.open_(connection, effect)
        case AttachCredential():
            return sessions.attach(connection, effect)
        case FindSession():
            return sessions.find(connection, effect)
        case TouchSession():
            return sessions.touch(connection, effect)
        case ListSessions():
            return sessions.listed(connection, effect)
        case Revoke():
            return sessions.revoke(connection, effect)
        case FindRefresh():
            return families.find(connection, effect)
        case RotateRefresh():
            return families.rotate(connection, effect)
        case ReadLog():
            return log.read(connection, effect)
        case FindRevocation():
            return log.find(connection, effect)
        case Increment():
            return tickets.increment(connection, effect)
        case KeepTicket():
            tickets.keep(connection, effect)
            return None
        case Consume():
            return tickets.consume(connection, effect)
        case Purge():
            return tickets.purge(connection, effect)
        case LoadKeys():
            return keys.load(connection, effect)
        case AddKey():
            return keys.add(connection, effect)
        case PromoteKey():
            return keys.promote(connection, effect)
        case SetKeyState():
            return keys.set_state(connection, effect)
        case ResealKey():
            return keys.reseal(connection, effect)
        case RemoveKey():
            return keys.remove(connection, effect)
        case _:
            assert_never(effect)

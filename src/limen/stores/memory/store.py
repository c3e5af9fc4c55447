"""The two faces of the memory store, over one set of records and one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, assert_never, cast

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
from limen.stores.memory.records import Records

if TYPE_CHECKING:
    from limen.effects import Effect, StoreEffect

A = TypeVar("A")


def _answer(  # noqa: C901, PLR0912 - one case per member of a closed union
    records: Records, effect: StoreEffect
) -> object:
    match effect:
        case FindAccount():
            return records.find_account(effect)
        case ListAccounts():
            return records.list_accounts(effect)
        case AddAccount():
            return records.add_account(effect)
        case UpdateAccount():
            return records.update_account(effect)
        case SetPassword():
            return records.set_password(effect)
        case SetDisabled():
            return records.set_disabled(effect)
        case OpenSession():
            return records.open_session(effect)
        case AttachCredential():
            return records.attach_credential(effect)
        case FindSession():
            return records.find_session(effect)
        case TouchSession():
            return records.touch_session(effect)
        case ListSessions():
            return records.list_sessions(effect)
        case Revoke():
            return records.revoke(effect)
        case FindRefresh():
            return records.find_refresh(effect)
        case RotateRefresh():
            return records.rotate_refresh(effect)
        case ReadLog():
            return records.read_log(effect)
        case FindRevocation():
            return records.find_revocation(effect)
        case Increment():
            return records.increment(effect)
        case KeepTicket():
            records.keep_ticket(effect)
            return None
        case Consume():
            return records.consume(effect)
        case Purge():
            return records.purge(effect)
        case LoadKeys():
            return records.load_keys(effect)
        case AddKey():
            return records.add_key(effect)
        case PromoteKey():
            return records.promote_key(effect)
        case SetKeyState():
            return records.set_key_state(effect)
        case ResealKey():
            return records.reseal_key(effect)
        case RemoveKey():
            return records.remove_key(effect)
        case _:
            assert_never(effect)


class BlockingMemoryStore:
    """A memory store for code that does not await. Thread-safe."""

    def __init__(self) -> None:
        self._records = Records()

    def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all."""
        with self._records.lock:
            return cast("A", _answer(self._records, cast("StoreEffect", effect)))

    def open(self) -> None:
        """Do nothing: the records are there from the start."""

    def close(self) -> None:
        """Do nothing: the records live as long as the store."""


class MemoryStore:
    """A memory store. `blocking` shows the same records to code that does not await."""

    def __init__(self) -> None:
        self.blocking = BlockingMemoryStore()

    async def perform(self, effect: Effect[A]) -> A:
        """Perform one effect, wholly or not at all."""
        return self.blocking.perform(effect)

    async def open(self) -> None:
        """Do nothing: the records are there from the start."""

    async def close(self) -> None:
        """Do nothing: the records live as long as the store."""

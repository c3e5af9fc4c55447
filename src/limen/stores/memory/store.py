"""The two faces of the memory store, over one set of records and one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, assert_never, cast

from limen import effects
from limen.stores.memory.records import Records

if TYPE_CHECKING:
    from limen.effects import Effect, StoreEffect

A = TypeVar("A")


def _performed(records: Records, effect: StoreEffect) -> object:
    answer = _answer(records, effect)
    if isinstance(effect, effects.Writing):
        records.append_audit(effects.told(effect, answer))
    return answer


def _answer(  # noqa: C901, PLR0912 - one case per member of a closed union
    records: Records, effect: StoreEffect
) -> object:
    match effect:
        case effects.FindAccount():
            return records.find_account(effect)
        case effects.ListAccounts():
            return records.list_accounts(effect)
        case effects.AddAccount():
            return records.add_account(effect)
        case effects.UpdateAccount():
            return records.update_account(effect)
        case effects.SetPassword():
            return records.set_password(effect)
        case effects.SetDisabled():
            return records.set_disabled(effect)
        case effects.SetEmail():
            return records.set_email(effect)
        case effects.SetUsername():
            return records.set_username(effect)
        case effects.RemoveAccount():
            return records.remove_account(effect)
        case effects.ListIdentities():
            return records.list_identities(effect)
        case effects.AddIdentity():
            return records.add_identity(effect)
        case effects.UpdateIdentity():
            return records.update_identity(effect)
        case effects.RemoveIdentity():
            return records.remove_identity(effect)
        case effects.OpenSession():
            return records.open_session(effect)
        case effects.AttachCredential():
            return records.attach_credential(effect)
        case effects.FindSession():
            return records.find_session(effect)
        case effects.TouchSession():
            return records.touch_session(effect)
        case effects.SetSessionFields():
            return records.set_session_fields(effect)
        case effects.ListSessions():
            return records.list_sessions(effect)
        case effects.CountCredentials():
            return records.count_credentials(effect)
        case effects.Revoke():
            return records.revoke(effect)
        case effects.FindRefresh():
            return records.find_refresh(effect)
        case effects.RotateRefresh():
            return records.rotate_refresh(effect)
        case effects.ReadLog():
            return records.read_log(effect)
        case effects.FindRevocation():
            return records.find_revocation(effect)
        case effects.KeepRevocations():
            records.keep_revocations(effect)
            return None
        case effects.ListKept():
            return records.list_kept(effect)
        case effects.Increment():
            return records.increment(effect)
        case effects.Draw():
            return records.draw(effect)
        case effects.ReadCounts():
            return records.read_counts(effect)
        case effects.ForgetCounts():
            records.forget_counts(effect)
            return None
        case effects.KeepTicket():
            records.keep_ticket(effect)
            return None
        case effects.FindTicket():
            return records.find_ticket(effect)
        case effects.Consume():
            return records.consume(effect)
        case effects.Purge():
            return records.purge(effect)
        case effects.AppendAudit():
            return None
        case effects.ReadAudit():
            return records.read_audit(effect)
        case effects.LoadKeys():
            return records.load_keys(effect)
        case effects.AddKey():
            return records.add_key(effect)
        case effects.PromoteKey():
            return records.promote_key(effect)
        case effects.SetKeyState():
            return records.set_key_state(effect)
        case effects.ResealKey():
            return records.reseal_key(effect)
        case effects.RemoveKey():
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
            return cast("A", _performed(self._records, cast("StoreEffect", effect)))

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

"""The verbs over plain dictionaries; whoever calls them holds the store's lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.effects import Increment
from limen.family import (
    Presentation,
    RefreshRecord,
    Repeated,
    Replayed,
    Rotated,
    Rotation,
    Superseded,
    Unproven,
    judge,
)
from limen.keyring import KeyRecord, KeyState
from limen.revocation import Kind
from limen.session import Standing, refusal_of
from limen.stores.memory.accounts import Accounts
from limen.throttle import Tally

if TYPE_CHECKING:
    from limen import effects
    from limen.effects import Ticket

# At most one key may have one of these states.
_SINGLE_STATES: Final = frozenset({KeyState.NEXT, KeyState.SIGNING})
_FINAL_STATES: Final = frozenset({KeyState.VERIFYING, KeyState.RETIRED})


class Records(Accounts):
    """The records and the verbs over them. Each verb decides first and writes last."""

    # -- refresh families

    def presentation(self, record: RefreshRecord, now: int, grace: int) -> Presentation:
        successor = self.refreshes.get(record.successor or b"")
        used = successor is not None and successor.used_at is not None
        return judge(record, used, now, grace)

    def find_refresh(self, effect: effects.FindRefresh) -> Standing | None:
        record = self.refreshes.get(effect.digest)
        if record is None:
            return None
        presentation = self.presentation(record, effect.now, effect.grace)
        if presentation not in (Presentation.FIRST_USE, Presentation.RETRY):
            return None
        return self.standing(self.sessions[record.session_id])

    def rotate_refresh(self, effect: effects.RotateRefresh) -> Rotation | None:
        record = self.refreshes.get(effect.digest)
        if record is None:
            return None
        session = self.sessions[record.session_id]
        if session.bound_to != effect.proven_key:
            return Unproven()
        presentation = self.presentation(record, effect.now, effect.grace)
        if presentation is Presentation.REPLAY:
            ids, latest = self.end([session.id], effect.now)
            self.append(Kind.SESSION, ids, latest, effect.horizon)
            return Replayed(session.id, session.subject)
        standing = self.standing(session)
        if standing is None or refusal_of(standing, effect.now) is not None:
            return None
        if presentation is Presentation.SUPERSEDED:
            return Superseded()
        if presentation is Presentation.FIRST_USE:
            self.check_new(effect.successor)
        # A retry is a use too: a token is signed now, and a revocation must know of it.
        session = replace(session, used_at=max(session.used_at, effect.now))
        self.sessions[session.id] = session
        standing = replace(standing, session=self.lifted(session))
        if presentation is Presentation.RETRY:
            return Repeated(standing, record.sealed_successor or b"")
        return self.first_use(effect, record, standing)

    def first_use(
        self, effect: effects.RotateRefresh, record: RefreshRecord, standing: Standing
    ) -> Rotated:
        session = standing.session
        # Nobody can be given this token again, so nothing need be kept that leads to it.
        for digest, before in self.refreshes.items():
            if before.successor == effect.digest and before.session_id == session.id:
                self.refreshes[digest] = replace(before, sealed_successor=None)
        self.refreshes[effect.digest] = replace(
            record,
            used_at=effect.now,
            successor=effect.successor,
            sealed_successor=effect.sealed_successor,
        )
        self.refreshes[effect.successor] = RefreshRecord(effect.successor, session.id, effect.now)
        return Rotated(standing)

    # -- counters, tickets, housekeeping

    def increment(self, effect: effects.Increment) -> Tally:
        tally = self.tallies.get(effect.key)
        if tally is None or tally.resets_at <= effect.now:
            tally = Tally(0, effect.now + effect.window)
        tally = replace(tally, count=tally.count + 1)
        self.tallies[effect.key] = tally
        return tally

    def draw(self, effect: effects.Draw) -> tuple[Tally, ...]:
        tallies: list[Tally] = []
        for one in effect.counters:
            tallies.append(self.increment(Increment(one.key, one.window, effect.now)))
            if one.limit is not None and tallies[-1].count > one.limit:
                break
        return tuple(tallies)

    def read_counts(self, effect: effects.ReadCounts) -> tuple[Tally | None, ...]:
        found = [self.tallies.get(key) for key in effect.keys]
        return tuple(
            None if tally is None or tally.resets_at <= effect.now else tally for tally in found
        )

    def forget_counts(self, effect: effects.ForgetCounts) -> None:
        for key in effect.keys:
            self.tallies.pop(key, None)

    def keep_ticket(self, effect: effects.KeepTicket) -> None:
        self.tickets[effect.ticket.purpose, effect.ticket.digest] = effect.ticket

    def find_ticket(self, effect: effects.FindTicket) -> Ticket | None:
        ticket = self.tickets.get((effect.purpose, effect.digest))
        return None if ticket is None or ticket.expires_at <= effect.now else ticket

    def consume(self, effect: effects.Consume) -> Ticket | None:
        ticket = self.tickets.pop((effect.purpose, effect.digest), None)
        return None if ticket is None or ticket.expires_at <= effect.now else ticket

    def purge(self, effect: effects.Purge) -> int:
        now = effect.now
        before = self.size()
        self.remove([session.id for session in self.sessions.values() if session.ends_at <= now])
        self.log = [entry for entry in self.log if entry.expires_at > now]
        self.tallies = {k: v for k, v in self.tallies.items() if v.resets_at > now}
        self.tickets = {k: v for k, v in self.tickets.items() if v.expires_at > now}
        self.kept = [one for one in self.kept if max(one.expires_at, one.sessions_until) > now]
        return before - self.size() + self.purge_audit(effect.audit_before)

    def size(self) -> int:
        return len(self.sessions) + len(self.log) + len(self.tallies) + len(self.tickets)

    # -- keys

    def load_keys(self, _: effects.LoadKeys) -> tuple[KeyRecord, ...]:
        return tuple(sorted(self.keys.values(), key=lambda key: (key.created_at, key.id)))

    def in_state(self, state: KeyState) -> KeyRecord | None:
        return next((key for key in self.keys.values() if key.state is state), None)

    def add_key(self, effect: effects.AddKey) -> bool:
        record = effect.record
        taken = record.state in _SINGLE_STATES and self.in_state(record.state) is not None
        if taken or record.id in self.keys:
            return False
        self.keys[record.id] = record
        return True

    def promote_key(self, effect: effects.PromoteKey) -> bool:
        key = self.keys.get(effect.key_id)
        if key is None or key.state is not KeyState.NEXT:
            return False
        signing = self.in_state(KeyState.SIGNING)
        if signing is not None:
            self.move(signing, KeyState.VERIFYING, effect.now)
        self.move(key, KeyState.SIGNING, effect.now)
        return True

    def move(self, key: KeyRecord, state: KeyState, now: int) -> None:
        self.keys[key.id] = replace(key, state=state, moved_at=now)

    def set_key_state(self, effect: effects.SetKeyState) -> bool:
        key = self.keys.get(effect.key_id)
        if key is None or effect.state not in _FINAL_STATES:
            return False
        self.move(key, effect.state, effect.now)
        return True

    def reseal_key(self, effect: effects.ResealKey) -> bool:
        key = self.keys.get(effect.key_id)
        if key is None or key.sealed_private != effect.replacing:
            return False
        self.keys[key.id] = replace(key, sealed_private=effect.sealed_private)
        return True

    def remove_key(self, effect: effects.RemoveKey) -> bool:
        key = self.keys.get(effect.key_id)
        if key is None or key.state is not KeyState.RETIRED:
            return False
        del self.keys[effect.key_id]
        return True

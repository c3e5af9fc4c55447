"""The verbs over plain dictionaries; whoever calls them holds the store's lock."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from limen.account import Account, Found
from limen.effects import Ended
from limen.errors import StoreUnavailable
from limen.family import (
    Presentation,
    RefreshRecord,
    Repeated,
    Replayed,
    Rotated,
    Rotation,
    Superseded,
    judge,
)
from limen.keyring import KeyRecord, KeyState
from limen.revocation import Kind, Revocation
from limen.session import CredentialCount, Held, Session, Standing, refusal_of
from limen.throttle import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen import effects
    from limen.effects import KeptRevocation, Ticket

# At most one key may have one of these states.
_SINGLE_STATES: Final = frozenset({KeyState.NEXT, KeyState.SIGNING})
_FINAL_STATES: Final = frozenset({KeyState.VERIFYING, KeyState.RETIRED})


class Records:
    """The records and the verbs over them. Each verb decides first and writes last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: dict[str, Account] = {}
        self.passwords: dict[str, str] = {}
        self.sessions: dict[str, Session] = {}
        self.references: dict[bytes, str] = {}
        self.refreshes: dict[bytes, RefreshRecord] = {}
        self.log: list[Revocation] = []
        self.seq = 0
        self.kept: list[KeptRevocation] = []
        self.kept_number = 0
        self.tallies: dict[str, Tally] = {}
        self.tickets: dict[tuple[str, bytes], Ticket] = {}
        self.keys: dict[str, KeyRecord] = {}

    # -- accounts

    def found(self, account: Account | None) -> Found | None:
        if account is None:
            return None
        return Found(account, self.passwords.get(account.id))

    def by_email(self, email: str | None) -> Account | None:
        return next((found for found in self.accounts.values() if found.email == email), None)

    def find_account(self, effect: effects.FindAccount) -> Found | None:
        if effect.id is not None:
            return self.found(self.accounts.get(effect.id))
        return self.found(self.by_email(effect.email))

    def list_accounts(self, effect: effects.ListAccounts) -> tuple[Account, ...]:
        ids = sorted(id_ for id_ in self.accounts if id_ > effect.after)
        return tuple(self.accounts[id_] for id_ in ids[: effect.limit])

    def add_account(self, effect: effects.AddAccount) -> bool:
        if self.by_email(effect.account.email) is not None:
            return False
        if effect.account.id in self.accounts:
            raise StoreUnavailable("the store refused an id that it has already")
        self.accounts[effect.account.id] = effect.account
        if effect.password_hash is not None:
            self.passwords[effect.account.id] = effect.password_hash
        return True

    def update_account(self, effect: effects.UpdateAccount) -> Account | None:
        account = self.accounts.get(effect.id)
        if account is None:
            return None
        image = account.image if effect.image is None else effect.image
        account = replace(
            account,
            name=account.name if effect.name is None else effect.name,
            image=None if effect.clear_image else image,
            roles=account.roles if effect.roles is None else effect.roles,
            revision=account.revision + (effect.roles is not None),
            updated_at=effect.now,
        )
        self.accounts[effect.id] = account
        return account

    def set_password(self, effect: effects.SetPassword) -> bool:
        account = self.accounts.get(effect.id)
        if account is None or account.revision != effect.revision:
            return False
        self.passwords[effect.id] = effect.password_hash
        if effect.moves_on:
            self.accounts[effect.id] = replace(
                account, revision=account.revision + 1, updated_at=effect.now
            )
        if effect.revoke:
            self.end_user(effect.id, effect.keep, effect.now, effect.horizon)
        return True

    def set_disabled(self, effect: effects.SetDisabled) -> int | None:
        account = self.accounts.get(effect.id)
        if account is None:
            return None
        self.accounts[effect.id] = replace(
            account,
            disabled=effect.disabled,
            revision=account.revision + effect.disabled,
            updated_at=effect.now,
        )
        if not effect.disabled:
            return 0
        return self.end_user(effect.id, None, effect.now, effect.horizon).sessions

    # -- sessions

    def standing(self, session: Session | None) -> Standing | None:
        if session is None:
            return None
        account = self.accounts.get(session.subject)
        if account is None:
            return Standing(session, session.roles, disabled=False)
        return Standing(session, account.roles, account.disabled)

    def check_new(self, *digests: bytes | None) -> None:
        if any(digest in self.references or digest in self.refreshes for digest in digests):
            raise StoreUnavailable("the store refused a digest that it has already")

    def add_secrets(
        self, session_id: str, now: int, reference: bytes | None, refresh: bytes | None
    ) -> None:
        if reference is not None:
            self.references[reference] = session_id
        if refresh is not None:
            self.refreshes[refresh] = RefreshRecord(refresh, session_id, now)

    def open_session(self, effect: effects.OpenSession) -> Session | None:
        session = effect.session
        account = self.accounts.get(session.subject)
        if account is not None and account.disabled:
            return None
        if effect.revision is not None and (account is None or account.revision != effect.revision):
            return None
        self.check_new(effect.reference, effect.refresh)
        if session.id in self.sessions:
            raise StoreUnavailable("the store refused an id that it has already")
        session = self.lifted(session)
        self.sessions[session.id] = session
        self.add_secrets(session.id, session.created_at, effect.reference, effect.refresh)
        return session

    def lifted(self, session: Session) -> Session:
        floor = max(
            (
                entry.not_before
                for entry in self.log
                if entry.kind is Kind.ALL
                or (entry.kind is Kind.USER and entry.subject == session.subject)
            ),
            default=0,
        )
        return replace(session, created_at=max(session.created_at, floor))

    def attach_credential(self, effect: effects.AttachCredential) -> Standing | None:
        session = self.sessions.get(effect.session_id)
        if session is None:
            return None
        self.check_new(effect.reference, effect.refresh)
        used_at = max(session.used_at, effect.now)
        strategy = effect.strategy or session.strategy
        session = replace(session, strategy=strategy, used_at=used_at)
        self.sessions[session.id] = session
        self.add_secrets(session.id, effect.now, effect.reference, effect.refresh)
        return self.standing(self.lifted(session))

    def find_session(self, effect: effects.FindSession) -> Standing | None:
        if effect.digest is not None:
            session_id = self.references.get(effect.digest, "")
        else:
            session_id = effect.id or ""
        return self.standing(self.sessions.get(session_id))

    def touch_session(self, effect: effects.TouchSession) -> bool:
        session = self.sessions.get(effect.id)
        if session is None:
            return False
        self.sessions[effect.id] = replace(session, used_at=max(session.used_at, effect.used_at))
        return True

    def list_sessions(self, effect: effects.ListSessions) -> tuple[Session, ...]:
        living = [
            session
            for session in self.sessions.values()
            if session.subject == effect.subject and effect.now < session.ends_at
        ]
        return tuple(sorted(living, key=lambda session: (-session.created_at, session.id)))

    def count_credentials(self, effect: effects.CountCredentials) -> tuple[CredentialCount, ...]:
        living = {one.id: one for one in self.sessions.values() if effect.now < one.ends_at}
        fresh = [one.session_id for one in self.refreshes.values() if one.used_at is None]
        held = [(Held.SESSION, id_) for id_ in living]
        held += [(Held.REFERENCE, id_) for id_ in self.references.values() if id_ in living]
        held += [(Held.REFRESH, id_) for id_ in fresh if id_ in living]
        grouped: dict[tuple[str, Held], list[Session]] = {}
        for kind, id_ in held:
            grouped.setdefault((living[id_].strategy, kind), []).append(living[id_])
        return tuple(
            CredentialCount(
                strategy,
                kind,
                live=len(those),
                recent=sum(max(o.created_at, o.used_at) > effect.recent_since for o in those),
                unused=sum(one.used_at <= effect.unused_since for one in those),
                ends_at=max(one.ends_at for one in those),
                expires_at=max(one.expires_at for one in those),
            )
            for (strategy, kind), those in sorted(grouped.items())
        )

    def remove(self, session_ids: Iterable[str]) -> None:
        gone = set(session_ids)
        for session_id in gone:
            del self.sessions[session_id]
        self.references = {k: v for k, v in self.references.items() if v not in gone}
        self.refreshes = {k: v for k, v in self.refreshes.items() if v.session_id not in gone}

    # -- revocation and the log

    def append(self, kind: Kind, subjects: Iterable[str], now: int, horizon: int) -> int | None:
        last = None
        for subject in subjects if horizon > 0 else ():
            self.seq += 1
            last = self.seq
            self.log.append(Revocation(last, kind, subject, now + 1, now + horizon))
        return last

    def latest(self, now: int, session_ids: Iterable[str]) -> int:
        """Return `now`, or the last moment at which one of these was given a token."""
        sessions = (self.sessions[session_id] for session_id in session_ids)
        return max(now, *(max(s.created_at, s.used_at) for s in sessions), 0)

    def owned(self, subject: str) -> list[str]:
        return sorted(s.id for s in self.sessions.values() if s.subject == subject)

    def end(self, ids: Iterable[str], now: int) -> tuple[list[str], int]:
        """Remove these; return them, and the last moment at which one was given a token."""
        ended = list(ids)
        latest = self.latest(now, ended)
        self.remove(ended)
        return ended, latest

    def end_user(self, subject: str, keep: str | None, now: int, horizon: int) -> Ended:
        wanted = (one for one in self.owned(subject) if one != keep)
        ids, latest = self.end(wanted, now)
        if keep is None:
            return Ended(len(ids), self.append(Kind.USER, [subject], latest, horizon))
        return Ended(len(ids), self.append(Kind.SESSION, ids, latest, horizon))

    def revoke(self, effect: effects.Revoke) -> Ended:
        target, now, horizon = effect.target, effect.now, effect.horizon
        if target.spares_sessions:
            latest = self.latest(now, self.owned(target.subject))
            return Ended(0, self.append(target.kind, [target.subject], latest, horizon))
        match target.kind:
            case Kind.SESSION:
                session = self.sessions.get(target.subject)
                if session is None or target.owner not in (None, session.subject):
                    return Ended(0)
                ids, latest = self.end([session.id], now)
                return Ended(1, self.append(Kind.SESSION, ids, latest, horizon))
            case Kind.USER:
                return self.end_user(target.subject, target.keep, now, horizon)
            case Kind.KEY:
                return Ended(0, self.append(Kind.KEY, [target.subject], now, horizon))
            case Kind.ALL:
                ids, latest = self.end(tuple(self.sessions), now)
                return Ended(len(ids), self.append(Kind.ALL, [""], latest, horizon))
            case _:
                assert_never(target.kind)

    def read_log(self, effect: effects.ReadLog) -> tuple[Revocation, ...]:
        newer = [entry for entry in self.log if entry.seq > effect.after]
        return tuple(newer[: effect.limit])

    def find_revocation(self, effect: effects.FindRevocation) -> bool:
        return any(
            (entry.kind is Kind.SESSION and entry.subject == effect.session_id)
            or (entry.kind is Kind.KEY and entry.subject == effect.key_id)
            or (
                effect.issued_at < entry.not_before
                and (
                    entry.kind is Kind.ALL
                    or (entry.kind is Kind.USER and entry.subject == effect.subject)
                )
            )
            for entry in self.log
        )

    def keep_revocations(self, effect: effects.KeepRevocations) -> None:
        for entry in effect.entries:
            self.kept_number += 1
            self.kept.append(replace(entry, number=self.kept_number))

    def list_kept(self, effect: effects.ListKept) -> tuple[KeptRevocation, ...]:
        newer = [entry for entry in self.kept if entry.number > effect.after]
        return tuple(newer[: effect.limit])

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

    def keep_ticket(self, effect: effects.KeepTicket) -> None:
        self.tickets[effect.ticket.purpose, effect.ticket.digest] = effect.ticket

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
        return before - self.size()

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

"""The verbs about sessions and what ends them, over dictionaries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from limen.effects import Ended
from limen.errors import StoreUnavailable
from limen.family import RefreshRecord
from limen.revocation import Kind, Revocation
from limen.session import CredentialCount, Held, Opened, Session, Standing
from limen.stores.memory.audit import AuditLog
from limen.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen import effects
    from limen.effects import KeptRevocation


class Sessions(AuditLog):
    """Sessions, their credentials, and the revocation log."""

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

    def open_session(self, effect: effects.OpenSession) -> Opened | Reason:
        session, now = effect.session, effect.session.used_at
        account = self.accounts.get(session.subject)
        if account is not None and account.disabled:
            return Reason.ACCOUNT_CHANGED
        if effect.revision is not None and (account is None or account.revision != effect.revision):
            return Reason.ACCOUNT_CHANGED
        leaving: list[str] = []
        if effect.replaces is not None:
            replaced = self.sessions.get(effect.replaces)
            if replaced is None or replaced not in self.living(session.subject, now):
                return Reason.UNKNOWN_SESSION
            leaving.append(replaced.id)
            session = replace(session, fields=replaced.fields)
        if effect.limit is not None:
            others = [o.id for o in self.living(session.subject, now) if o.id not in leaving]
            crowd = others[effect.limit.most - 1 :]
            if crowd and not effect.limit.evicts:
                return Reason.TOO_MANY_SESSIONS
            leaving += crowd
        self.check_new(effect.reference, effect.refresh)
        if session.id in self.sessions:
            raise StoreUnavailable("the store refused an id that it has already")
        ids, latest = self.end(sorted(leaving), now)
        self.append(Kind.SESSION, ids, latest, effect.horizon)
        session = self.lifted(session)
        self.sessions[session.id] = session
        self.add_secrets(session.id, session.created_at, effect.reference, effect.refresh)
        return Opened(session, tuple(ids))

    def living(self, subject: str, now: int) -> list[Session]:
        """Return the sessions of a subject that have not ended, the last used one first."""
        found = [s for s in self.sessions.values() if s.subject == subject and now < s.ends_at]
        return sorted(found, key=lambda one: (-one.used_at, -one.created_at, one.id))

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

    def set_session_fields(self, effect: effects.SetSessionFields) -> Session | None:
        session = self.sessions.get(effect.id)
        if session is None:
            return None
        self.sessions[effect.id] = replace(session, fields=effect.fields)
        return self.sessions[effect.id]

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

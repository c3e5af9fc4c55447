"""What a store must do with the audit log."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.audit import AuditEvent, AuditKind
from limen.effects import (
    AddAccount,
    AppendAudit,
    Ended,
    OpenSession,
    Purge,
    ReadAudit,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetPassword,
    UpdateAccount,
)
from limen.revocation import Target
from limen.testing.store_cases.case import (
    HORIZON,
    MINUTE,
    NOW,
    account,
    add_account,
    case,
    digest,
    open_session,
    session,
    together,
)
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.ports import Store

CROWD: Final = 20
# Whatever a client may send in a header: no database may choke on it, no line break in it.
HOSTILE: Final = "a\nINFO admin signed in\0\x1b[2J\ud800\N{BELL}'); DROP TABLE limen_audit; --"


def event(kind: AuditKind = AuditKind.SIGN_IN_REFUSED, **changes: object) -> AuditEvent:
    """Return an event as a driver would have completed it."""
    made = AuditEvent(kind, subject="usr_ada", at=NOW, address="192.0.2.7", id="one")
    return replace(made, **changes)  # type: ignore[arg-type]  # fields of an event


async def append(store: Store, *events: AuditEvent) -> None:
    """Keep events that tell of no change."""
    await store.perform(AppendAudit(events=events))


async def kinds(store: Store) -> list[str]:
    """Return the kinds of all events, oldest first."""
    return [one.kind for one in await store.perform(ReadAudit(forward=True))]


class AuditCases:
    """`AppendAudit`, `ReadAudit`, and the events of every other effect that writes."""

    @case
    async def test_an_event_comes_back_as_it_was_kept(self, store: Store) -> None:
        full = AuditEvent(
            kind=AuditKind.SIGN_IN_ACCEPTED,
            subject="usr_ada",
            session_id="ses_one",
            reason="throttled",
            details={"methods": "pwd otp", "sessions": 3, "verified": True},
            at=NOW,
            actor="usr_bob",
            address="2001:db8::7",
            user_agent="Mozilla/5.0 (é\U0001f511)",
            request_id="r1",
            id="event one",
        )
        bare = AuditEvent("of.a.newer.version")
        await append(store, full, bare)
        newest, oldest = await store.perform(ReadAudit())
        assert oldest == replace(full, seq=oldest.seq)
        assert newest == replace(bare, seq=newest.seq)
        assert 0 < oldest.seq < newest.seq

    @case
    async def test_whatever_a_client_sends_is_kept(self, store: Store) -> None:
        await append(store, event(user_agent=HOSTILE, actor=HOSTILE, address=HOSTILE))
        (kept,) = await store.perform(ReadAudit())
        assert "\n" not in kept.as_line()
        assert kept.kind == AuditKind.SIGN_IN_REFUSED

    @case
    async def test_events_are_found_by_what_they_say(self, store: Store) -> None:
        await append(
            store,
            event(id="a"),
            event(AuditKind.SIGN_OUT, id="b", subject="usr_bob", at=NOW + 1),
            event(id="c", address="192.0.2.8", at=NOW + 2),
            event(AuditKind.REVOKED, id="d", subject=None, at=NOW + 3),
        )

        async def found(**wanted: object) -> str:
            asked = ReadAudit(**wanted)  # type: ignore[arg-type]  # fields of the effect
            return "".join(one.id for one in await store.perform(asked))

        assert await found() == "dcba"
        assert await found(forward=True) == "abcd"
        assert await found(limit=2) == "dc"
        assert await found(subject="usr_ada") == "ca"
        assert await found(kinds=(AuditKind.SIGN_OUT, AuditKind.REVOKED)) == "db"
        assert await found(address="192.0.2.8") == "c"
        assert await found(since=NOW + 1, until=NOW + 3) == "cb"
        assert await found(subject="usr_ada", kinds=(AuditKind.SIGN_OUT,)) == ""
        seqs = [one.seq for one in await store.perform(ReadAudit())]
        assert await found(before=seqs[1]) == "ba"
        assert await found(after=seqs[2]) == "dc"
        assert await found(after=seqs[3], before=seqs[0], limit=1, forward=True) == "b"

    @case
    async def test_a_change_keeps_its_events_with_it(self, store: Store) -> None:
        await add_account(store)
        told = (event(AuditKind.ROLES_CHANGED, id="r"),)
        done = await store.perform(
            UpdateAccount("usr_ada", NOW, roles=frozenset({"x"}), events=told)
        )
        assert done is not None
        both = (event(AuditKind.ACCOUNT_DISABLED), event(AuditKind.REVOKED))
        assert await store.perform(SetDisabled("usr_ada", True, NOW, events=both)) == 0
        assert await kinds(store) == [
            AuditKind.ROLES_CHANGED,
            AuditKind.ACCOUNT_DISABLED,
            AuditKind.REVOKED,
        ]

    @case
    async def test_a_change_that_was_not_made_is_not_told(self, store: Store) -> None:
        await add_account(store)
        told = (event(AuditKind.PASSWORD_CHANGED),)
        stale = SetPassword("usr_ada", "other", 9, NOW, moves_on=True, events=told)
        assert await store.perform(stale) is False
        opening = OpenSession(session(), 9, digest("r"), events=told)
        assert await store.perform(opening) is Reason.ACCOUNT_CHANGED
        assert await store.perform(SetDisabled("usr_nobody", True, NOW, events=told)) is None
        gone = Revoke(Target.session("ses_none"), NOW, HORIZON, events=told)
        assert (await store.perform(gone)).sessions == 0
        assert await kinds(store) == []

    @case
    async def test_an_account_that_was_not_opened_is_told_as_such(self, store: Store) -> None:
        told = (event(AuditKind.ACCOUNT_CREATED, details={"verified": True}),)
        new, twin = account(), account("twin", email=account().email)
        assert await store.perform(AddAccount(new, "hash", events=told)) is True
        assert await store.perform(AddAccount(twin, "hash", events=told)) is False
        created, refused = await store.perform(ReadAudit(forward=True))
        assert (created.kind, created.subject) == (AuditKind.ACCOUNT_CREATED, "usr_ada")
        assert (refused.kind, refused.reason) == (AuditKind.SIGN_UP_REFUSED, "email_taken")
        assert (refused.subject, refused.details) == (None, {})
        assert (refused.address, refused.at) == (created.address, created.at)

    @case
    async def test_what_only_the_store_knows_is_filled_in(self, store: Store) -> None:
        await open_session(store, "one")
        await open_session(store, "two")
        first = RotateRefresh(digest("fresh one"), digest("next"), b"sealed", NOW, 0)
        told = (AuditEvent.of(AuditKind.REFRESH_REPLAYED),)
        await store.perform(replace(first, events=told))
        assert await kinds(store) == []
        used = RotateRefresh(digest("next"), digest("third"), b"sealed", NOW, 0)
        await store.perform(replace(used, events=told))
        late = replace(first, successor=digest("again"), now=NOW + MINUTE, events=told)
        await store.perform(late)
        told = (AuditEvent.of(AuditKind.REVOKED, target="user"),)
        ended = await store.perform(Revoke(Target.user("usr_ada"), NOW, HORIZON, events=told))
        assert isinstance(ended, Ended)
        replayed, revoked = await store.perform(ReadAudit(forward=True))
        assert (replayed.subject, replayed.session_id) == ("usr_ada", "ses_one")
        assert revoked.details == {"target": "user", "sessions": 1}

    @case
    async def test_no_event_is_lost_in_a_crowd(self, store: Store) -> None:
        await add_account(store)

        async def open_one(number: int) -> None:
            name = str(number)
            told = (event(AuditKind.SIGN_IN_ACCEPTED, id=name),)
            new = session(name)
            opened = await store.perform(
                OpenSession(new, account().revision, digest(f"r{name}"), events=told)
            )
            assert opened is not None

        await together(*(open_one(number) for number in range(CROWD)))
        kept = await store.perform(ReadAudit(limit=2 * CROWD))
        assert sorted(int(one.id) for one in kept) == list(range(CROWD))
        assert len({one.seq for one in kept}) == CROWD

    @case
    async def test_only_what_is_old_is_purged(self, store: Store) -> None:
        await append(store, event(id="old", at=NOW - 1), event(id="young"))
        assert await store.perform(Purge(NOW)) == 0
        assert await store.perform(Purge(NOW, audit_before=NOW)) == 1
        (kept,) = await store.perform(ReadAudit())
        assert kept.id == "young"
        await append(store, event(id="next"))
        newest, _ = await store.perform(ReadAudit())
        assert newest.seq > kept.seq > 1

"""Cases about sessions and their credentials."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import (
    AttachCredential,
    CountCredentials,
    FindRevocation,
    FindSession,
    ListSessions,
    OpenSession,
    Revoke,
    RotateRefresh,
    SetDisabled,
    TouchSession,
    UpdateAccount,
)
from limen.errors import StoreUnavailable
from limen.family import Rotated
from limen.revocation import Target
from limen.session import CredentialCount, Held, Opened, Standing
from limen.testing.store_cases.case import (
    HORIZON,
    MINUTE,
    NOW,
    ROUNDS,
    add_account,
    case,
    digest,
    live,
    open_session,
    session,
    together,
)
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.ports import Store


class SessionCases:
    """How sessions are opened, given credentials, found, used, listed and counted."""

    @case
    async def test_a_session_is_found_by_credential_and_by_handle(self, store: Store) -> None:
        owner = await add_account(store)
        kept = await open_session(store)
        assert kept == session()
        standing = Standing(kept, owner.roles, disabled=False)
        assert await store.perform(FindSession(digest=digest("ref one"))) == standing
        assert await store.perform(FindSession(id="ses_one")) == standing
        assert await store.perform(live("fresh one")) == standing

    @case
    async def test_one_kind_of_credential_does_not_pass_for_another(self, store: Store) -> None:
        await open_session(store)
        assert await store.perform(FindSession(digest=digest("fresh one"))) is None
        assert await store.perform(live("ref one")) is None
        assert await store.perform(FindSession(digest=digest("unknown"))) is None
        assert await store.perform(FindSession(id="ses_unknown")) is None

    @case
    async def test_a_subject_need_not_have_an_account(self, store: Store) -> None:
        kept = await open_session(store, "one", "urn:elsewhere:7")
        standing = Standing(kept, frozenset(), disabled=False)
        assert await store.perform(FindSession(id="ses_one")) == standing

    @case
    async def test_roles_are_those_of_this_moment(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        await store.perform(UpdateAccount("usr_ada", NOW, roles=frozenset({"admin"})))
        found = await store.perform(FindSession(digest=digest("ref one")))
        assert found is not None
        assert found.roles == {"admin"}

    @case
    async def test_the_store_leaves_the_end_of_a_session_to_the_flow(self, store: Store) -> None:
        kept = await open_session(store, expires_at=NOW - 1, used_at=NOW - HORIZON * 9)
        found = await store.perform(FindSession(digest=digest("ref one")))
        assert found is not None
        assert found.session == kept

    @case
    async def test_no_session_is_opened_if_the_account_moved_on(self, store: Store) -> None:
        await add_account(store, revision=3)
        for revision in (2, 4):
            assert await store.perform(OpenSession(session(), revision)) is Reason.ACCOUNT_CHANGED
        assert await store.perform(FindSession(id="ses_one")) is None
        assert await store.perform(OpenSession(session(), 3)) == Opened(session())

    @case
    async def test_no_session_is_opened_for_a_disabled_account(self, store: Store) -> None:
        await add_account(store, disabled=True)
        for revision in (0, None):
            assert await store.perform(OpenSession(session(), revision)) is Reason.ACCOUNT_CHANGED
        assert await store.perform(FindSession(id="ses_one")) is None

    @case
    async def test_a_revision_needs_an_account(self, store: Store) -> None:
        assert await store.perform(OpenSession(session(), 0)) is Reason.ACCOUNT_CHANGED
        assert await store.perform(FindSession(id="ses_one")) is None

    @case
    async def test_signing_in_works_in_the_millisecond_of_signing_out(self, store: Store) -> None:
        expected = NOW
        for name, target in (("one", Target.user("usr_ada")), ("two", Target.everybody())):
            await store.perform(Revoke(target, NOW, HORIZON))
            kept = await open_session(store, name)
            expected += 1  # the session before it began a moment ahead, and must be covered
            assert kept.created_at == expected
            assert (kept.authenticated_at, kept.used_at) == (NOW - 5, NOW)
            question = FindRevocation(kept.id, kept.subject, None, kept.created_at)
            assert await store.perform(question) is False
            assert await store.perform(FindSession(id=kept.id)) is not None
        other = await open_session(store, "three", "usr_bob", created_at=NOW + 5)
        assert other.created_at == NOW + 5

    @case
    async def test_a_verb_that_fails_midway_leaves_nothing(self, store: Store) -> None:
        await open_session(store)
        double = OpenSession(
            session("two"), None, reference=digest("ref two"), refresh=digest("fresh one")
        )
        failed = False
        try:
            await store.perform(double)
        except StoreUnavailable:
            failed = True
        assert failed
        assert await store.perform(FindSession(digest=digest("ref two"))) is None
        assert await store.perform(FindSession(id="ses_two")) is None
        found = await store.perform(live("fresh one"))
        assert found is not None
        assert found.session.id == "ses_one"

    @case
    async def test_a_use_is_recorded_and_time_never_moves_back(self, store: Store) -> None:
        await open_session(store)
        for used_at, expected in ((NOW + 9, NOW + 9), (NOW + 3, NOW + 9)):
            assert await store.perform(TouchSession("ses_one", used_at))
            found = await store.perform(FindSession(id="ses_one"))
            assert found is not None
            assert found.session == session(used_at=expected)

    @case
    async def test_a_touch_never_revives_a_session(self, store: Store) -> None:
        await open_session(store)
        assert await store.perform(FindSession(digest=digest("ref one"))) is not None
        await store.perform(Revoke(Target.session("ses_one"), NOW))
        assert await store.perform(TouchSession("ses_one", NOW + 1)) is False
        assert await store.perform(FindSession(digest=digest("ref one"))) is None
        assert await store.perform(FindSession(id="ses_one")) is None

    @case
    async def test_living_sessions_of_one_account_are_listed_newest_first(
        self, store: Store
    ) -> None:
        await open_session(store, "old", created_at=NOW - MINUTE)
        await open_session(store, "new")
        await open_session(store, "idle", used_at=NOW - 30 * MINUTE)
        await open_session(store, "over", expires_at=NOW)
        await open_session(store, "other", "usr_bob")
        listed = await store.perform(ListSessions("usr_ada", NOW))
        assert [one.id for one in listed] == ["ses_new", "ses_old"]
        assert listed[0] == session("new")

    @case
    async def test_what_is_live_is_counted_by_strategy_and_kind(self, store: Store) -> None:
        begun = {"created_at": NOW - MINUTE, "used_at": NOW - MINUTE}
        await open_session(store, "new", **begun, expires_at=NOW + 10 * MINUTE)
        begun = {"created_at": NOW - 20 * MINUTE, "used_at": NOW - 20 * MINUTE}
        await open_session(store, "old", **begun, strategy="session")
        await open_session(store, "begun", created_at=NOW + 1, used_at=NOW - MINUTE)
        await open_session(store, "idle", used_at=NOW - 30 * MINUTE)  # over at this moment
        await open_session(store, "over", expires_at=NOW)
        await open_session(store, "revoked")
        await store.perform(Revoke(Target.session("ses_revoked"), NOW))
        used = RotateRefresh(digest("fresh old"), digest("f2"), b"sealed", NOW - 20 * MINUTE, 0)
        assert isinstance(await store.perform(used), Rotated)
        count = CountCredentials(NOW, NOW - MINUTE, NOW - 20 * MINUTE)
        before, after = NOW + 10 * MINUTE, NOW + 100 * MINUTE
        counted = await store.perform(count)
        assert counted == (
            CredentialCount("hybrid", Held.REFERENCE, 2, 1, 0, NOW + 29 * MINUTE, after),
            CredentialCount("hybrid", Held.REFRESH, 2, 1, 0, NOW + 29 * MINUTE, after),
            CredentialCount("hybrid", Held.SESSION, 2, 1, 0, NOW + 29 * MINUTE, after),
            CredentialCount("session", Held.REFERENCE, 1, 0, 1, before, after),
            CredentialCount("session", Held.REFRESH, 1, 0, 1, before, after),
            CredentialCount("session", Held.SESSION, 1, 0, 1, before, after),
        )

    @case
    async def test_a_count_follows_a_session_to_its_new_strategy(self, store: Store) -> None:
        await store.perform(OpenSession(session("bare"), None))
        await store.perform(
            OpenSession(session(strategy="session"), None, reference=digest("ref one"))
        )
        count = CountCredentials(NOW, NOW, NOW - 1)
        held = (30 * MINUTE + NOW, 100 * MINUTE + NOW)
        assert await store.perform(count) == (
            CredentialCount("hybrid", Held.SESSION, 1, 0, 0, *held),
            CredentialCount("session", Held.REFERENCE, 1, 0, 0, *held),
            CredentialCount("session", Held.SESSION, 1, 0, 0, *held),
        )
        moved = AttachCredential("ses_one", "hybrid", NOW + 1, refresh=digest("c"))
        assert await store.perform(moved) is not None
        held = (30 * MINUTE + NOW + 1, 100 * MINUTE + NOW)
        assert await store.perform(count) == (
            CredentialCount("hybrid", Held.REFERENCE, 1, 1, 0, *held),
            CredentialCount("hybrid", Held.REFRESH, 1, 1, 0, *held),
            CredentialCount("hybrid", Held.SESSION, 2, 1, 0, *held),
        )
        await store.perform(Revoke(Target.everybody(), NOW))
        assert await store.perform(count) == ()

    @case
    async def test_a_session_gets_another_credential_and_keeps_the_old(self, store: Store) -> None:
        owner = await add_account(store)
        kept = await open_session(store)
        attach = AttachCredential(
            "ses_one", "session", NOW + 1, reference=digest("b"), refresh=digest("c")
        )
        moved = replace(kept, strategy="session", used_at=NOW + 1)
        standing = Standing(moved, owner.roles, disabled=False)
        assert await store.perform(attach) == standing
        for credential in ("b", "ref one"):
            assert await store.perform(FindSession(digest=digest(credential))) == standing
        for credential in ("c", "fresh one"):
            assert await store.perform(live(credential)) == standing

    @case
    async def test_a_session_that_is_gone_gets_no_credential(self, store: Store) -> None:
        attach = AttachCredential("ses_one", "session", NOW, reference=digest("b"))
        assert await store.perform(attach) is None
        assert await store.perform(FindSession(digest=digest("b"))) is None

    @case
    async def test_a_sign_in_that_races_with_a_disable_never_survives(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner = await add_account(store, f"u{number}")
            opening = OpenSession(
                session(f"s{number}", owner.id), 0, reference=digest(f"r{number}")
            )
            disabling = SetDisabled(owner.id, True, NOW, HORIZON)
            await together(store.perform(opening), store.perform(disabling))
            assert await store.perform(FindSession(digest=digest(f"r{number}"))) is None

    @case
    async def test_a_sign_in_that_races_with_a_sign_out_everywhere_is_whole_or_gone(
        self, store: Store
    ) -> None:
        for number in range(ROUNDS):
            subject = f"urn:elsewhere:{number}"
            target = Target.user(subject) if number % 2 else Target.everybody()
            opening = OpenSession(session(f"s{number}", subject), None)
            opened, _ = await asyncio.gather(
                store.perform(opening), store.perform(Revoke(target, NOW + number, HORIZON))
            )
            assert isinstance(opened, Opened)
            new = opened.session
            question = FindRevocation(new.id, subject, None, new.created_at)
            living = await store.perform(FindSession(id=new.id)) is not None
            assert living is not await store.perform(question)

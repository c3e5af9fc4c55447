"""Cases about another address, a username, and the end of an account."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.account import Found
from limen.effects import (
    AddAccount,
    AddIdentity,
    AttachCredential,
    Ended,
    FindAccount,
    FindRevocation,
    FindSession,
    ListAccounts,
    ListIdentities,
    ListSessions,
    OpenSession,
    Purge,
    ReadLog,
    Removal,
    RemoveAccount,
    RemoveIdentity,
    RotateRefresh,
    SetDisabled,
    SetEmail,
    SetPassword,
    SetUsername,
    TouchSession,
    UpdateAccount,
    UpdateIdentity,
)
from limen.revocation import Kind
from limen.session import Opened
from limen.testing.store_cases.case import (
    CROWD,
    GROUP,
    HORIZON,
    MINUTE,
    NOW,
    ROUNDS,
    account,
    add_account,
    case,
    digest,
    identity,
    live,
    open_session,
    session,
    together,
)
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.effects import Effect
    from limen.ports import Store

OLD, NEW = "ada@example.org", "lady@example.org"


class EmailCases:
    """`SetEmail`."""

    @case
    async def test_another_address_moves_the_revision_and_ends_no_session(
        self, store: Store
    ) -> None:
        await add_account(store, email_verified=True)
        await open_session(store)
        assert await store.perform(SetEmail("usr_ada", NEW, OLD, False, NOW + 3))
        moved = account(email=NEW, email_verified=False, revision=1, updated_at=NOW + 3)
        assert await store.perform(FindAccount(email=NEW)) == Found(moved, "hash")
        assert await store.perform(FindAccount(email=OLD)) is None
        assert await store.perform(FindSession(digest=digest("ref one"))) is not None
        assert await store.perform(ReadLog(0)) == ()
        # A sign-in that has read the account before comes too late; so does all else.
        assert await store.perform(OpenSession(session("late"), 0)) is Reason.ACCOUNT_CHANGED
        late = SetPassword("usr_ada", "late", 0, NOW, moves_on=True)
        assert await store.perform(late) is False
        assert isinstance(await store.perform(OpenSession(session("new"), 1)), Opened)

    @case
    async def test_to_verify_an_address_moves_no_revision(self, store: Store) -> None:
        await add_account(store)
        for verified in (True, False):
            assert await store.perform(SetEmail("usr_ada", OLD, OLD, verified, NOW + 1))
            expected = account(email_verified=verified, updated_at=NOW + 1)
            assert await store.perform(FindAccount(email=OLD)) == Found(expected, "hash")
        assert isinstance(await store.perform(OpenSession(session(), 0)), Opened)

    @case
    async def test_an_address_that_moved_on_is_not_replaced(self, store: Store) -> None:
        await add_account(store)
        for email in (NEW, OLD):
            for replacing in ("before@example.org", NEW):
                stale = SetEmail("usr_ada", email, replacing, True, NOW + 1)
                assert await store.perform(stale) is False
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "hash")
        assert await store.perform(SetEmail("usr_eve", NEW, OLD, True, NOW)) is False

    @case
    async def test_a_taken_address_changes_nothing(self, store: Store) -> None:
        await add_account(store)
        await add_account(store, "bob", email=NEW)
        assert await store.perform(SetEmail("usr_ada", NEW, OLD, True, NOW + 1)) is False
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "hash")
        owner = await store.perform(FindAccount(email=NEW))
        assert owner is not None
        assert owner.account.id == "usr_bob"

    @case
    async def test_an_address_that_was_left_is_free(self, store: Store) -> None:
        await add_account(store)
        assert await store.perform(SetEmail("usr_ada", NEW, OLD, True, NOW))
        await add_account(store, "eve", email=OLD)

    @case
    async def test_one_of_many_concurrent_changes_gets_an_address(self, store: Store) -> None:
        owners = [await add_account(store, str(number)) for number in range(GROUP)]
        done = await together(
            *(store.perform(SetEmail(one.id, NEW, one.email, True, NOW)) for one in owners)
        )
        assert done.count(True) == 1
        found = await store.perform(FindAccount(email=NEW))
        assert found is not None
        assert found.account.id == owners[done.index(True)].id
        kept = await store.perform(ListAccounts(limit=GROUP))
        assert sum(one.revision for one in kept) == 1

    @case
    async def test_one_of_many_concurrent_changes_of_an_account_is_made(self, store: Store) -> None:
        await add_account(store)
        wanted = [f"a{number}@example.org" for number in range(CROWD)]
        done = await together(
            *(store.perform(SetEmail("usr_ada", one, OLD, True, NOW)) for one in wanted)
        )
        assert done.count(True) == 1
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found is not None
        assert (found.account.email, found.account.revision) == (wanted[done.index(True)], 1)

    @case
    async def test_two_accounts_that_exchange_addresses_are_answered(self, store: Store) -> None:
        await add_account(store)
        await add_account(store, "bob", email=NEW)
        for _ in range(ROUNDS):
            done = await together(
                store.perform(SetEmail("usr_ada", NEW, OLD, True, NOW)),
                store.perform(SetEmail("usr_bob", OLD, NEW, True, NOW)),
            )
            assert done == [False, False]

    @case
    async def test_an_address_is_new_to_one_of_a_change_and_a_sign_up(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner, email = await add_account(store, f"o{number}"), f"n{number}@example.org"
            done = await together(
                store.perform(SetEmail(owner.id, email, owner.email, True, NOW)),
                store.perform(AddAccount(account(f"s{number}", email=email), "hash")),
            )
            assert done.count(True) == 1


class UsernameCases:
    """`SetUsername`."""

    @case
    async def test_a_username_is_given_and_changed(self, store: Store) -> None:
        await add_account(store)
        for name, shown in (("ada", "Ada"), ("ada", "ADA"), ("lady", "Lady")):
            assert await store.perform(SetUsername("usr_ada", name, shown, NOW + 2))
            expected = account(username=name, display_username=shown, updated_at=NOW + 2)
            assert await store.perform(FindAccount(username=name)) == Found(expected, "hash")
        assert await store.perform(FindAccount(username="ada")) is None
        await add_account(store, "bob", username="ada", display_username="ada")

    @case
    async def test_a_taken_username_changes_nothing(self, store: Store) -> None:
        await add_account(store, username="lady", display_username="Lady")
        bob = await add_account(store, "bob", username="bob", display_username="Bob")
        for name in ("usr_ada", "usr_eve"):
            assert await store.perform(SetUsername(name, "bob", "BOB", NOW + 1)) is False
        kept = account(username="lady", display_username="Lady")
        assert await store.perform(FindAccount(id="usr_ada")) == Found(kept, "hash")
        assert await store.perform(FindAccount(username="bob")) == Found(bob, "hash")
        assert await store.perform(SetUsername("usr_eve", "eve", "eve", NOW)) is False

    @case
    async def test_one_of_many_concurrent_changes_gets_a_username(self, store: Store) -> None:
        owners = [await add_account(store, str(number)) for number in range(GROUP)]
        done = await together(
            *(store.perform(SetUsername(one.id, "same", "Same", NOW)) for one in owners)
        )
        assert done.count(True) == 1
        found = await store.perform(FindAccount(username="same"))
        assert found is not None
        assert found.account.id == owners[done.index(True)].id

    @case
    async def test_a_username_is_new_to_one_of_a_change_and_a_sign_up(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner, name = await add_account(store, f"o{number}"), f"n{number}"
            new = account(f"s{number}", username=name, display_username=name)
            done = await together(
                store.perform(SetUsername(owner.id, name, name, NOW)),
                store.perform(AddAccount(new, "hash")),
            )
            assert done.count(True) == 1


class AccountRemovals:
    """`RemoveAccount`: what goes, what ends, and what is free again."""

    @case
    async def test_its_sessions_end_as_with_a_revocation(self, store: Store) -> None:
        await add_account(store)
        await add_account(store, "bob")
        await open_session(store)
        await open_session(store, "two", used_at=NOW + MINUTE)
        await open_session(store, "bob", "usr_bob")
        ended = await store.perform(RemoveAccount("usr_ada", NOW + 1, HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert ended == Ended(2, entry.seq)
        assert (entry.kind, entry.subject) == (Kind.USER, "usr_ada")
        # As far as the last use, which may lie ahead of the caller's clock.
        assert entry.not_before == NOW + MINUTE + 1
        assert entry.expires_at == NOW + MINUTE + HORIZON
        for name in ("one", "two"):
            assert await store.perform(FindSession(id=f"ses_{name}")) is None
            assert await store.perform(FindSession(digest=digest(f"ref {name}"))) is None
            assert await store.perform(live(f"fresh {name}")) is None
        assert await store.perform(ListSessions("usr_ada", NOW)) == ()
        refused = FindRevocation("ses_one", "usr_ada", None, NOW + MINUTE)
        assert await store.perform(refused)
        assert await store.perform(FindSession(id="ses_bob")) is not None
        assert await store.perform(ListAccounts(limit=9)) == (account("bob"),)

    @case
    async def test_nothing_is_logged_that_no_token_needs(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        assert await store.perform(RemoveAccount("usr_ada", NOW)) == Ended(1)
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_nobody_signs_in_with_what_it_had(self, store: Store) -> None:
        made = account(username="ada", display_username="Ada")
        assert await store.perform(AddAccount(made, "hash", identity()))
        (first, _) = await store.perform(ListIdentities("usr_ada"))
        assert await store.perform(RemoveAccount("usr_ada", NOW, HORIZON)) is not None
        named = (identity().issuer, identity().subject)
        for question in (
            FindAccount(id="usr_ada"),
            FindAccount(email=OLD),
            FindAccount(username="ada"),
            FindAccount(identity=named),
        ):
            assert await store.perform(question) is None
        assert await store.perform(ListIdentities("usr_ada")) == ()
        refusing: tuple[Effect[bool], ...] = (
            SetPassword("usr_ada", "new", 0, NOW, moves_on=True),
            SetEmail("usr_ada", NEW, OLD, True, NOW),
            SetUsername("usr_ada", "new", "new", NOW),
            AddIdentity(identity("ada", "2"), 0),
            UpdateIdentity(*named, (), None, NOW),
            TouchSession("ses_one", NOW),
        )
        for late in refusing:
            assert await store.perform(late) is False
        assert await store.perform(UpdateAccount("usr_ada", NOW, name="x")) is None
        assert await store.perform(SetDisabled("usr_ada", True, NOW)) is None
        gone = RemoveIdentity("usr_ada", first.id, NOW)
        assert await store.perform(gone) is Removal.UNKNOWN

    @case
    async def test_a_sign_in_in_flight_comes_too_late(self, store: Store) -> None:
        await add_account(store)
        await store.perform(RemoveAccount("usr_ada", NOW, HORIZON))
        assert await store.perform(OpenSession(session(), 0, digest("r"))) is Reason.ACCOUNT_CHANGED
        assert await store.perform(FindSession(digest=digest("r"))) is None

    @case
    async def test_what_it_was_called_is_free_again(self, store: Store) -> None:
        made = account(username="ada", display_username="Ada")
        assert await store.perform(AddAccount(made, "hash", identity()))
        await store.perform(RemoveAccount("usr_ada", NOW, HORIZON))
        again = account("eve", email=made.email, username="ada", display_username="Ada")
        mine = replace(identity(), account_id=again.id)
        assert await store.perform(AddAccount(again, "other", mine))
        named = FindAccount(identity=(mine.issuer, mine.subject))
        assert await store.perform(named) == Found(again, "other")

    @case
    async def test_an_unknown_account_is_not_removed(self, store: Store) -> None:
        await open_session(store, "one", "urn:elsewhere:7")
        for unknown in ("usr_eve", "urn:elsewhere:7"):
            assert await store.perform(RemoveAccount(unknown, NOW, HORIZON)) is None
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_one_of_many_concurrent_removals_is_told(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        wanted = [RemoveAccount("usr_ada", NOW, HORIZON) for _ in range(GROUP)]
        answers = await together(*(store.perform(one) for one in wanted))
        assert sum(one is not None for one in answers) == 1
        assert await store.perform(FindSession(id="ses_one")) is None

    @case
    async def test_a_sign_in_that_races_with_a_removal_never_survives(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner = await add_account(store, f"u{number}")
            opening = OpenSession(
                session(f"s{number}", owner.id), 0, reference=digest(f"r{number}")
            )
            removing = RemoveAccount(owner.id, NOW, HORIZON)
            opened, ended = await asyncio.gather(store.perform(opening), store.perform(removing))
            assert await store.perform(FindSession(digest=digest(f"r{number}"))) is None
            assert isinstance(ended, Ended)
            assert ended.sessions == isinstance(opened, Opened)

    @case
    async def test_a_refresh_that_races_with_a_removal_never_survives(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner = await add_account(store, f"u{number}")
            kept = await open_session(store, f"s{number}", owner.id)
            refreshing = RotateRefresh(
                digest(f"fresh s{number}"), digest(f"next {number}"), b"sealed", NOW, 0, HORIZON
            )
            attaching = AttachCredential(kept.id, None, NOW, reference=digest(f"more {number}"))
            await asyncio.gather(
                store.perform(refreshing),
                store.perform(RemoveAccount(owner.id, NOW, HORIZON)),
                store.perform(attaching),
            )
            assert await store.perform(live(f"next {number}")) is None
            assert await store.perform(FindSession(digest=digest(f"more {number}"))) is None
            assert await store.perform(FindSession(id=kept.id)) is None

    @case
    async def test_a_link_that_races_with_a_removal_leaves_nothing(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner = await add_account(store, f"u{number}")
            link = identity(f"u{number}", f"x{number}")
            await asyncio.gather(
                store.perform(AddIdentity(link, 0)),
                store.perform(RemoveAccount(owner.id, NOW, HORIZON)),
                store.perform(SetPassword(owner.id, "new", 0, NOW, moves_on=False)),
            )
            assert await store.perform(ListIdentities(owner.id)) == ()
            named = FindAccount(identity=(link.issuer, link.subject))
            assert await store.perform(named) is None

    @case
    async def test_a_purge_leaves_nothing_of_it(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        await open_session(store)
        await store.perform(RemoveAccount("usr_ada", NOW, HORIZON))
        assert await store.perform(Purge(NOW + HORIZON)) == 1
        assert await store.perform(ReadLog(0)) == ()
        assert await store.perform(Purge(NOW + 1_000 * HORIZON)) == 0

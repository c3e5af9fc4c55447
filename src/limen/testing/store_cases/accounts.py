"""Cases about accounts and passwords."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.account import Found
from limen.effects import (
    AddAccount,
    FindAccount,
    FindSession,
    ListAccounts,
    ListSessions,
    ReadLog,
    SetDisabled,
    SetPassword,
    UpdateAccount,
)
from limen.revocation import Kind
from limen.testing.store_cases.case import (
    CROWD,
    HORIZON,
    NOW,
    account,
    add_account,
    case,
    open_session,
    together,
)

if TYPE_CHECKING:
    from limen.ports import Store


class AccountCases:
    """`FindAccount`, `ListAccounts`, `AddAccount`, `UpdateAccount`."""

    @case
    async def test_an_account_is_found_by_address_and_by_id(self, store: Store) -> None:
        kept = await add_account(store, image="https://example.org/a.png", email_verified=True)
        assert await store.perform(FindAccount(email=kept.email)) == Found(kept, "hash")
        assert await store.perform(FindAccount(id=kept.id)) == Found(kept, "hash")

    @case
    async def test_nobody_is_found_under_an_unknown_name(self, store: Store) -> None:
        await add_account(store)
        assert await store.perform(FindAccount(email="eve@example.org")) is None
        assert await store.perform(FindAccount(id="usr_eve")) is None

    @case
    async def test_an_account_may_have_no_password(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), None))
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), None)

    @case
    async def test_a_taken_address_is_refused_and_nothing_is_written(self, store: Store) -> None:
        kept = await add_account(store)
        rival = account("eve", email=kept.email)
        assert await store.perform(AddAccount(rival, "other")) is False
        assert await store.perform(FindAccount(id="usr_eve")) is None
        assert await store.perform(FindAccount(email=kept.email)) == Found(kept, "hash")

    @case
    async def test_one_of_many_concurrent_accounts_gets_an_address(self, store: Store) -> None:
        wanted = [account(str(n), email="same@example.org") for n in range(CROWD)]
        added = await together(*(store.perform(AddAccount(one, "hash")) for one in wanted))
        assert added.count(True) == 1
        assert len(await store.perform(ListAccounts(limit=CROWD))) == 1

    @case
    async def test_text_that_no_database_can_hold_is_answered(self, store: Store) -> None:
        await add_account(store)
        assert await store.perform(FindAccount(email="ada\0@example.org")) is None
        assert await store.perform(FindAccount(email="\ud800ada@example.org")) is None

    @case
    async def test_accounts_are_listed_page_by_page_in_the_order_of_ids(self, store: Store) -> None:
        for name in ("b", "B", "a", "_", "9"):
            await add_account(store, name)
        listed = [one.id for one in await store.perform(ListAccounts(limit=3))]
        listed += [one.id for one in await store.perform(ListAccounts(limit=3, after=listed[-1]))]
        assert listed == ["usr_9", "usr_B", "usr__", "usr_a", "usr_b"]

    @case
    async def test_an_update_changes_what_is_given_and_nothing_else(self, store: Store) -> None:
        await add_account(store, image="old")
        later = NOW + 1
        changed = await store.perform(UpdateAccount("usr_ada", later, roles=frozenset({"admin"})))
        expected = account(image="old", roles=frozenset({"admin"}), updated_at=later, revision=1)
        assert changed == expected
        changed = await store.perform(UpdateAccount("usr_ada", later, name="Lady", image="new"))
        expected = replace(expected, name="Lady", image="new")
        assert changed == expected
        assert await store.perform(FindAccount(id="usr_ada")) == Found(expected, "hash")
        cleared = await store.perform(UpdateAccount("usr_ada", later, clear_image=True))
        assert cleared is not None
        assert cleared.image is None
        assert await store.perform(UpdateAccount("usr_eve", later, name="Eve")) is None


class PasswordCases:
    """`SetPassword` and `SetDisabled`: what they end."""

    @case
    async def test_a_rehash_ends_nothing(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        rehash = SetPassword("usr_ada", "better", 0, NOW + 1, moves_on=False, horizon=HORIZON)
        assert await store.perform(rehash)
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "better")
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_password_is_set_only_for_the_revision_that_was_read(
        self, store: Store
    ) -> None:
        await add_account(store)
        await open_session(store)
        moved = SetPassword("usr_ada", "new", 1, NOW, moves_on=True, revoke=True, horizon=HORIZON)
        assert await store.perform(moved) is False
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "hash")
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()
        absent = SetPassword("usr_eve", "new", 0, NOW, moves_on=True, revoke=True)
        assert await store.perform(absent) is False

    @case
    async def test_a_new_password_ends_every_session(self, store: Store) -> None:
        await add_account(store)
        await add_account(store, "bob")
        await open_session(store)
        await open_session(store, "two")
        await open_session(store, "bob", "usr_bob")
        new = SetPassword("usr_ada", "new", 0, NOW + 9, moves_on=True, revoke=True, horizon=HORIZON)
        assert await store.perform(new)
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found == Found(account(revision=1, updated_at=NOW + 9), "new")
        assert await store.perform(ListSessions("usr_ada", NOW)) == ()
        assert len(await store.perform(ListSessions("usr_bob", NOW))) == 1
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject, entry.not_before) == (Kind.USER, "usr_ada", NOW + 10)

    @case
    async def test_a_new_password_may_spare_one_session(self, store: Store) -> None:
        await add_account(store)
        for name in ("one", "two", "three"):
            await open_session(store, name)
        new = SetPassword(
            "usr_ada",
            "new",
            0,
            NOW,
            moves_on=True,
            revoke=True,
            keep="ses_two",
            horizon=HORIZON,
        )
        assert await store.perform(new)
        (kept,) = await store.perform(ListSessions("usr_ada", NOW))
        assert kept.id == "ses_two"
        entries = await store.perform(ReadLog(0))
        assert {(one.kind, one.subject) for one in entries} == {
            (Kind.SESSION, "ses_one"),
            (Kind.SESSION, "ses_three"),
        }

    @case
    async def test_a_new_password_may_end_nothing(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        new = SetPassword("usr_ada", "new", 0, NOW, moves_on=True, horizon=HORIZON)
        assert await store.perform(new)
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found == Found(account(revision=1), "new")
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_first_password_can_be_set(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), None))
        assert await store.perform(SetPassword("usr_ada", "first", 0, NOW, moves_on=False))
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "first")

    @case
    async def test_one_of_many_concurrent_passwords_is_set(self, store: Store) -> None:
        await add_account(store)
        wanted = [SetPassword("usr_ada", str(n), 0, NOW, moves_on=True) for n in range(CROWD)]
        done = await together(*(store.perform(one) for one in wanted))
        assert done.count(True) == 1
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found is not None
        assert found.password_hash == str(done.index(True))

    @case
    async def test_disabling_ends_sessions_and_moves_the_revision(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        await open_session(store, "two")
        ended = await store.perform(SetDisabled("usr_ada", True, NOW + 1, HORIZON))
        assert ended == 2
        assert await store.perform(FindSession(id="ses_one")) is None
        disabled = account(disabled=True, revision=1, updated_at=NOW + 1)
        assert await store.perform(FindAccount(id="usr_ada")) == Found(disabled, "hash")
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject) == (Kind.USER, "usr_ada")

    @case
    async def test_enabling_again_ends_nothing(self, store: Store) -> None:
        await add_account(store, disabled=True)
        assert await store.perform(SetDisabled("usr_ada", False, NOW, HORIZON)) == 0
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found is not None
        assert not found.account.disabled
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_nobody_is_disabled_under_an_unknown_id(self, store: Store) -> None:
        assert await store.perform(SetDisabled("usr_eve", True, NOW, HORIZON)) is None
        assert await store.perform(ReadLog(0)) == ()

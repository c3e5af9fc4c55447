"""Cases about what an account can sign in with."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.account import PASSWORD_ISSUER, PASSWORD_PROVIDER, Found
from limen.effects import (
    AddAccount,
    AddIdentity,
    FindAccount,
    ListIdentities,
    OpenSession,
    Removal,
    RemoveIdentity,
    SetPassword,
    UpdateIdentity,
)
from limen.session import Opened
from limen.testing.store_cases.case import (
    GROUP,
    NOW,
    ROUNDS,
    account,
    add_account,
    case,
    identity,
    open_session,
    session,
    together,
)
from limen.verdict import Reason

if TYPE_CHECKING:
    from limen.account import Identity
    from limen.ports import Store


async def identities_of(store: Store, account_id: str = "usr_ada") -> tuple[Identity, ...]:
    """Return what an account can sign in with."""
    return await store.perform(ListIdentities(account_id))


def named(identity: Identity) -> FindAccount:
    """Ask whose identity this is."""
    return FindAccount(identity=(identity.issuer, identity.subject))


class NewAccountCases:
    """`AddAccount` with a username or an identity, and `FindAccount` by either."""

    @case
    async def test_an_account_is_found_by_username_and_identity(self, store: Store) -> None:
        made = account(username="ada", display_username="Ada")
        assert await store.perform(AddAccount(made, "hash", identity()))
        await add_account(store, "bob", username="bob", display_username="bob")
        assert await store.perform(FindAccount(username="ada")) == Found(made, "hash")
        assert await store.perform(named(identity())) == Found(made, "hash")
        assert await store.perform(FindAccount(id=made.id)) == Found(made, "hash")

    @case
    async def test_nobody_is_found_by_half_an_identity_or_another_spelling(
        self, store: Store
    ) -> None:
        made = account(username="ada", display_username="Ada")
        assert await store.perform(AddAccount(made, None, identity()))
        known = identity()
        for issuer, subject in (
            (known.issuer, "other"),
            ("https://other.example", known.subject),
            (known.subject, known.issuer),
            (known.provider, known.subject),
        ):
            assert await store.perform(FindAccount(identity=(issuer, subject))) is None
        for username in ("Ada", "", "usr_ada", "ada@example.org"):
            assert await store.perform(FindAccount(username=username)) is None

    @case
    async def test_no_identity_passes_for_one_that_looks_alike(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), "hash"))
        await add_account(store, "eve")
        odd = ("12\0", "12\ud800", "12\udfff", "\ufeff12", "12 ", "A", "\u0041\u030a")
        for subject in odd:
            await store.perform(AddIdentity(identity("eve", subject), 0))
        for subject in ("12", "12\ufffd", "12\0\0", "a", "\u00c5"):
            assert await store.perform(named(identity("ada", subject))) is None
        assert await store.perform(AddIdentity(identity("ada", "12\ufffd"), 0))
        for subject in odd[:3]:
            found = await store.perform(named(identity("eve", subject)))
            assert found is None or found.account.id == "usr_eve"

    @case
    async def test_accounts_without_a_username_do_not_share_one(self, store: Store) -> None:
        await add_account(store)
        await add_account(store, "bob")

    @case
    async def test_an_identity_belongs_to_one_account_and_the_loser_is_not_kept(
        self, store: Store
    ) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        rival = account("eve", username="eve", display_username="Eve")
        theft = replace(identity(), account_id=rival.id, provider="other")
        assert await store.perform(AddAccount(rival, "other", theft)) is False
        for question in (
            FindAccount(id=rival.id),
            FindAccount(email=rival.email),
            FindAccount(username="eve"),
        ):
            assert await store.perform(question) is None
        assert await identities_of(store, rival.id) == ()
        assert await store.perform(named(identity())) == Found(account(), "hash")
        # What the loser wanted is free.
        own = identity("eve", "999")
        assert await store.perform(AddAccount(rival, "other", own))

    @case
    async def test_a_taken_username_is_refused_and_nothing_is_written(self, store: Store) -> None:
        kept = await add_account(store, username="ada", display_username="Ada")
        rival = account("eve", username="ada", display_username="ADA")
        assert await store.perform(AddAccount(rival, "other", identity("eve"))) is False
        assert await store.perform(FindAccount(id="usr_eve")) is None
        assert await store.perform(FindAccount(email=rival.email)) is None
        assert await store.perform(named(identity("eve", "9"))) is None
        assert await store.perform(FindAccount(username="ada")) == Found(kept, "hash")

    @case
    async def test_a_taken_address_leaves_the_identity_free(self, store: Store) -> None:
        kept = await add_account(store)
        rival = account("eve", email=kept.email)
        assert await store.perform(AddAccount(rival, None, identity("eve", "9"))) is False
        assert await store.perform(named(identity("eve", "9"))) is None

    @case
    async def test_one_of_many_concurrent_accounts_gets_an_identity(self, store: Store) -> None:
        wanted = [account(str(n)) for n in range(GROUP)]
        added = await together(
            *(
                store.perform(AddAccount(one, None, replace(identity(), account_id=one.id)))
                for one in wanted
            )
        )
        assert added.count(True) == 1
        winner = wanted[added.index(True)]
        assert await store.perform(named(identity())) == Found(winner, None)
        held = await together(*(store.perform(FindAccount(id=one.id)) for one in wanted))
        assert [one for one in held if one is not None] == [Found(winner, None)]

    @case
    async def test_one_of_many_concurrent_accounts_gets_a_username(self, store: Store) -> None:
        wanted = [account(str(n), username="same", display_username="Same") for n in range(GROUP)]
        added = await together(*(store.perform(AddAccount(one, "hash")) for one in wanted))
        assert added.count(True) == 1
        winner = wanted[added.index(True)]
        assert await store.perform(FindAccount(username="same")) == Found(winner, "hash")


class IdentityCases:
    """`ListIdentities`, `AddIdentity` and `UpdateIdentity`."""

    @case
    async def test_identities_are_listed_oldest_first_with_the_password_among_them(
        self, store: Store
    ) -> None:
        assert await store.perform(AddAccount(account(), None, identity("ada", "9")))
        assert await store.perform(SetPassword("usr_ada", "hash", 0, NOW + 1, moves_on=False))
        last = identity("ada", "1", provider="other", scopes=(), sealed_tokens=None)
        assert await store.perform(AddIdentity(last, 0))
        first, password, second = await identities_of(store)
        assert first == replace(identity("ada", "9"), id=first.id)
        assert second == replace(last, id=second.id)
        assert (password.provider, password.issuer) == (PASSWORD_PROVIDER, PASSWORD_ISSUER)
        assert (password.account_id, password.subject) == ("usr_ada", "usr_ada")
        assert (password.created_at, password.updated_at) == (NOW + 1, NOW + 1)
        assert (password.scopes, password.sealed_tokens) == ((), None)
        assert len({first.id, password.id, second.id}) == 3
        assert await identities_of(store, "usr_eve") == ()

    @case
    async def test_a_password_may_become_the_only_way_to_sign_in(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), None, identity("ada", "9")))
        await add_account(store, "bob")
        assert await store.perform(AddIdentity(identity("bob", "10"), 0))
        sole = SetPassword("usr_ada", "hash", 1, NOW + 1, moves_on=True, revoke=True, sole=True)
        assert not await store.perform(sole)  # of another revision: nothing is removed
        assert len(await identities_of(store)) == 1
        assert await store.perform(replace(sole, revision=0))
        (password,) = await identities_of(store)
        assert password.provider == PASSWORD_PROVIDER
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found == Found(account(email_verified=True, revision=1, updated_at=NOW + 1), "hash")
        assert len(await identities_of(store, "usr_bob")) == 2

    @case
    async def test_the_store_numbers_identities_itself(self, store: Store) -> None:
        await add_account(store)
        for subject in ("1", "2"):
            assert await store.perform(AddIdentity(identity("ada", subject, id="7"), 0))
        ids = [one.id for one in await identities_of(store)]
        assert len(set(ids)) == 3

    @case
    async def test_an_identity_is_added_and_signs_in(self, store: Store) -> None:
        kept = await add_account(store)
        assert await store.perform(AddIdentity(identity(), 0))
        assert await store.perform(named(identity())) == Found(kept, "hash")

    @case
    async def test_an_identity_that_belongs_to_somebody_is_not_added(self, store: Store) -> None:
        kept = await add_account(store)
        await add_account(store, "eve")
        assert await store.perform(AddIdentity(identity(), 0))
        theft = replace(identity(), account_id="usr_eve")
        assert await store.perform(AddIdentity(theft, 0)) is False
        assert await store.perform(AddIdentity(identity(), 0)) is False
        assert await store.perform(named(identity())) == Found(kept, "hash")
        assert len(await identities_of(store)) == 2
        assert len(await identities_of(store, "usr_eve")) == 1

    @case
    async def test_an_identity_is_added_only_for_the_revision_that_was_read(
        self, store: Store
    ) -> None:
        await add_account(store, revision=3)
        for revision in (2, 4):
            assert await store.perform(AddIdentity(identity(), revision)) is False
        assert await store.perform(named(identity())) is None
        assert await store.perform(AddIdentity(identity("eve"), 0)) is False
        assert await identities_of(store, "usr_eve") == ()
        assert await store.perform(AddIdentity(identity(), 3))

    @case
    async def test_one_of_many_concurrent_accounts_is_linked(self, store: Store) -> None:
        for number in range(10):
            await add_account(store, str(number))
        links = [replace(identity(), account_id=f"usr_{n % 10}") for n in range(GROUP)]
        added = await together(*(store.perform(AddIdentity(one, 0)) for one in links))
        assert added.count(True) == 1
        found = await store.perform(named(identity()))
        assert found is not None
        assert found.account.id == links[added.index(True)].account_id

    @case
    async def test_newer_tokens_replace_the_old_and_nothing_else(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        await add_account(store, "bob")
        assert await store.perform(AddIdentity(identity("bob", "2"), 0))
        scopes = ("openid", "mail")
        newer = UpdateIdentity(identity().issuer, identity().subject, scopes, b"new", NOW + 9)
        assert await store.perform(newer)
        held = {one.subject: one for one in await identities_of(store)}
        changed = held[identity().subject]
        assert (changed.scopes, changed.sealed_tokens) == (scopes, b"new")
        assert (changed.created_at, changed.updated_at) == (NOW, NOW + 9)
        (other,) = [one for one in await identities_of(store, "usr_bob") if one.subject == "2"]
        assert other.sealed_tokens == identity().sealed_tokens
        assert await store.perform(replace(newer, scopes=(), sealed_tokens=None))
        held = {one.subject: one for one in await identities_of(store)}
        assert held[identity().subject].sealed_tokens is None
        assert await store.perform(FindAccount(id="usr_ada")) == Found(account(), "hash")
        assert await store.perform(replace(newer, subject="unknown")) is False


class IdentityRemovals:
    """`RemoveIdentity`: nobody locks themselves out, and nobody somebody else."""

    @case
    async def test_a_removed_identity_signs_nobody_in_and_the_revision_moves(
        self, store: Store
    ) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        await open_session(store)
        (mine,) = [one for one in await identities_of(store) if one.issuer == identity().issuer]
        removal = RemoveIdentity("usr_ada", mine.id, NOW + 5)
        assert await store.perform(removal) is Removal.REMOVED
        assert await store.perform(named(identity())) is None
        expected = account(revision=1, updated_at=NOW + 5)
        assert await store.perform(FindAccount(id="usr_ada")) == Found(expected, "hash")
        assert await store.perform(OpenSession(session("late"), 0)) is Reason.ACCOUNT_CHANGED
        assert isinstance(await store.perform(OpenSession(session("new"), 1)), Opened)
        assert await store.perform(AddIdentity(identity("ada", "8"), 0)) is False
        assert await store.perform(removal) is Removal.UNKNOWN
        # The identity is free, for this account and any other.
        await add_account(store, "bob")
        assert await store.perform(AddIdentity(replace(identity(), account_id="usr_bob"), 0))

    @case
    async def test_a_removed_password_verifies_nobody_and_can_be_set_again(
        self, store: Store
    ) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        (password,) = [one for one in await identities_of(store) if one.issuer == PASSWORD_ISSUER]
        removal = RemoveIdentity("usr_ada", password.id, NOW)
        assert await store.perform(removal) is Removal.REMOVED
        for question in (
            FindAccount(id="usr_ada"),
            FindAccount(email="ada@example.org"),
            named(identity()),
        ):
            assert await store.perform(question) == Found(account(revision=1), None)
        assert [one.issuer for one in await identities_of(store)] == [identity().issuer]
        late = SetPassword("usr_ada", "hash", 0, NOW, moves_on=False)
        assert await store.perform(late) is False
        assert await store.perform(replace(late, password_hash="new", revision=1))  # noqa: S106
        found = await store.perform(FindAccount(id="usr_ada"))
        assert found is not None
        assert found.password_hash == "new"  # noqa: S105
        assert len(await identities_of(store)) == 2

    @case
    async def test_the_last_way_to_sign_in_stays(self, store: Store) -> None:
        await add_account(store)
        assert await store.perform(AddAccount(account("bob"), None, identity("bob")))
        for account_id in ("usr_ada", "usr_bob"):
            before = await store.perform(FindAccount(id=account_id))
            (only,) = await identities_of(store, account_id)
            removal = RemoveIdentity(account_id, only.id, NOW + 1)
            assert await store.perform(removal) is Removal.LAST
            assert await identities_of(store, account_id) == (only,)
            assert await store.perform(FindAccount(id=account_id)) == before

    @case
    async def test_nobody_removes_the_identity_of_another(self, store: Store) -> None:
        await add_account(store)
        assert await store.perform(AddAccount(account("bob"), "hash", identity("bob")))
        theirs = await identities_of(store, "usr_bob")
        for one in theirs:
            theft = RemoveIdentity("usr_ada", one.id, NOW)
            assert await store.perform(theft) is Removal.UNKNOWN
        assert await identities_of(store, "usr_bob") == theirs
        found = await store.perform(FindAccount(id="usr_bob"))
        assert found is not None
        assert found.account.revision == 0

    @case
    async def test_what_is_no_id_names_no_identity(self, store: Store) -> None:
        assert await store.perform(AddAccount(account(), "hash", identity()))
        (mine, _) = await identities_of(store)
        for text in ("", "x", "-1", f"0{mine.id}", f"{mine.id} ", "\u0661", "9" * 5_000, "\0"):
            removal = RemoveIdentity("usr_ada", text, NOW)
            assert await store.perform(removal) is Removal.UNKNOWN
        unknown = RemoveIdentity("usr_eve", mine.id, NOW)
        assert await store.perform(unknown) is Removal.UNKNOWN
        assert len(await identities_of(store)) == 2

    @case
    async def test_of_two_concurrent_removals_one_leaves_the_last(self, store: Store) -> None:
        for number in range(ROUNDS):
            owner = account(str(number))
            assert await store.perform(AddAccount(owner, "hash", identity(str(number), owner.id)))
            held = await identities_of(store, owner.id)
            wanted = (RemoveIdentity(owner.id, one.id, NOW) for one in held)
            done = await together(*(store.perform(one) for one in wanted))
            assert sorted(done) == [Removal.LAST, Removal.REMOVED]
            (left,) = await identities_of(store, owner.id)
            assert left == held[done.index(Removal.LAST)]
            found = await store.perform(FindAccount(id=owner.id))
            assert found is not None
            assert (found.password_hash is None) is (left.issuer != PASSWORD_ISSUER)
            assert found.account.revision == 1

    @case
    async def test_a_sign_in_that_races_with_a_removal_comes_before_or_never(
        self, store: Store
    ) -> None:
        for number in range(ROUNDS):
            owner = account(str(number))
            assert await store.perform(AddAccount(owner, "hash", identity(str(number), owner.id)))
            held = await identities_of(store, owner.id)
            opening = OpenSession(session(f"s{number}", owner.id), 0)
            removal = RemoveIdentity(owner.id, held[0].id, NOW)
            _, done = await asyncio.gather(store.perform(opening), store.perform(removal))
            assert done is Removal.REMOVED
            again = OpenSession(session(f"late{number}", owner.id), 0)
            assert await store.perform(again) is Reason.ACCOUNT_CHANGED

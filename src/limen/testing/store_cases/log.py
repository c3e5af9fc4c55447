"""Cases about revocations and their log."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import (
    Ended,
    FindRevocation,
    FindSession,
    KeepRevocations,
    KeptRevocation,
    ListKept,
    ListSessions,
    Purge,
    ReadLog,
    Revoke,
    TouchSession,
    UpdateAccount,
)
from limen.revocation import Kind, Revocation, Target
from limen.testing.store_cases.case import (
    HORIZON,
    NOW,
    ROUNDS,
    add_account,
    case,
    digest,
    live,
    open_session,
    together,
)

if TYPE_CHECKING:
    from limen.ports import Store


class RevocationCases:
    """`Revoke`: what ends, and what is written down."""

    @case
    async def test_a_session_ends_with_its_credentials(self, store: Store) -> None:
        await open_session(store)
        await open_session(store, "two")
        ended = await store.perform(Revoke(Target.session("ses_one"), NOW, HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert ended == Ended(1, entry.seq)
        assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")
        assert await store.perform(FindSession(digest=digest("ref one"))) is None
        assert await store.perform(live("fresh one")) is None
        assert await store.perform(FindSession(id="ses_two")) is not None

    @case
    async def test_nobody_ends_the_session_of_another(self, store: Store) -> None:
        await open_session(store)
        theft = Target.session("ses_one", owner="usr_eve")
        assert await store.perform(Revoke(theft, NOW, HORIZON)) == Ended(0)
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()
        own = Target.session("ses_one", owner="usr_ada")
        assert (await store.perform(Revoke(own, NOW, HORIZON))).sessions == 1

    @case
    async def test_a_session_that_is_unknown_is_not_logged(self, store: Store) -> None:
        assert await store.perform(Revoke(Target.session("ses_x"), NOW, HORIZON)) == Ended(0)
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_user_loses_every_session(self, store: Store) -> None:
        await open_session(store)
        await open_session(store, "two")
        await open_session(store, "bob", "usr_bob")
        ended = await store.perform(Revoke(Target.user("usr_ada"), NOW, HORIZON))
        assert ended.sessions == 2
        expected = Revocation(ended.seq or 0, Kind.USER, "usr_ada", NOW + 1, NOW + HORIZON)
        assert await store.perform(ReadLog(0)) == (expected,)
        assert await store.perform(ListSessions("usr_ada", NOW)) == ()
        assert len(await store.perform(ListSessions("usr_bob", NOW))) == 1

    @case
    async def test_a_user_may_keep_one_session(self, store: Store) -> None:
        for name in ("one", "two", "three"):
            await open_session(store, name)
        target = Target.user("usr_ada", keep="ses_two")
        ended = await store.perform(Revoke(target, NOW, HORIZON))
        entries = await store.perform(ReadLog(0))
        assert ended == Ended(2, entries[-1].seq)
        assert sorted(one.subject for one in entries) == ["ses_one", "ses_three"]
        assert {one.kind for one in entries} == {Kind.SESSION}
        assert [one.id for one in await store.perform(ListSessions("usr_ada", NOW))] == ["ses_two"]

    @case
    async def test_tokens_are_refused_while_the_sessions_live_on(self, store: Store) -> None:
        await open_session(store)
        for target in (Target.tokens("usr_ada"), replace(Target.everybody(), spares_sessions=True)):
            ended = await store.perform(Revoke(target, NOW, HORIZON))
            assert ended.sessions == 0
            assert ended.seq is not None
            (entry,) = await store.perform(ReadLog(ended.seq - 1))
            assert (entry.kind, entry.subject) == (target.kind, target.subject)
            assert entry.not_before == NOW + 1
        assert await store.perform(FindSession(digest=digest("ref one"))) is not None
        assert await store.perform(live("fresh one")) is not None

    @case
    async def test_new_roles_refuse_the_tokens_that_carry_the_old_ones(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        await store.perform(TouchSession("ses_one", NOW + 5))
        roles = frozenset({"admin"})
        await store.perform(UpdateAccount("usr_ada", NOW, roles=roles, horizon=HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject) == (Kind.USER, "usr_ada")
        # After the last use of its sessions too, by a clock that is ahead.
        assert (entry.not_before, entry.expires_at) == (NOW + 6, NOW + 5 + HORIZON)
        await store.perform(UpdateAccount("usr_ada", NOW, name="Lady", horizon=HORIZON))
        await store.perform(UpdateAccount("usr_ada", NOW, roles=roles))
        assert await store.perform(UpdateAccount("usr_x", NOW, roles=roles, horizon=5)) is None
        assert await store.perform(ReadLog(entry.seq)) == ()
        assert await store.perform(FindSession(digest=digest("ref one"))) is not None

    @case
    async def test_a_key_is_logged_and_ends_no_session(self, store: Store) -> None:
        await open_session(store)
        ended = await store.perform(Revoke(Target.key("k1"), NOW, HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert ended == Ended(0, entry.seq)
        assert (entry.kind, entry.subject) == (Kind.KEY, "k1")
        assert await store.perform(FindSession(id="ses_one")) is not None

    @case
    async def test_everybody_loses_every_session(self, store: Store) -> None:
        await open_session(store)
        await open_session(store, "bob", "usr_bob")
        ended = await store.perform(Revoke(Target.everybody(), NOW, HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert ended == Ended(2, entry.seq)
        assert (entry.kind, entry.not_before) == (Kind.ALL, NOW + 1)
        assert await store.perform(FindSession(id="ses_bob")) is None

    @case
    async def test_without_a_horizon_nothing_is_logged(self, store: Store) -> None:
        await open_session(store)
        targets = (
            Target.session("ses_one"),
            Target.user("usr_ada"),
            Target.key("k1"),
            Target.everybody(),
        )
        ended = [await store.perform(Revoke(target, NOW)) for target in targets]
        assert ended == [Ended(1), Ended(0), Ended(0), Ended(0)]
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_an_entry_covers_what_was_given_out_while_it_waited(self, store: Store) -> None:
        """A sign-in or a refresh with a later time was committed first: by a moment, or by a
        machine whose clock is ahead. Its token must fall under the entry as well.
        """
        ahead = NOW + 3_000
        # Each entry makes the next session begin a moment later, and so the next entry.
        for later, target in enumerate(
            (Target.user("usr_ada"), Target.everybody(), Target.tokens("usr_ada"))
        ):
            await open_session(store, "early", created_at=ahead - 1)
            await store.perform(TouchSession("ses_early", ahead))
            seq = (await store.perform(Revoke(target, NOW, HORIZON))).seq
            assert seq is not None
            entry = (await store.perform(ReadLog(seq - 1)))[-1]
            assert (entry.not_before, entry.expires_at) == (
                ahead + later + 1,
                ahead + later + HORIZON,
            )

    @case
    async def test_an_entry_by_name_outlives_what_a_clock_that_is_ahead_gave_out(
        self, store: Store
    ) -> None:
        ahead = NOW + 30_000
        times = ((ahead, NOW), (NOW, ahead))
        targets = (
            Target.session("ses_one"),
            Target.session("ses_one", owner="usr_ada"),
            Target.user("usr_ada", keep="ses_kept"),
        )
        await open_session(store, "kept", used_at=ahead + 30_000)  # what stays counts for nothing
        for target in targets:
            for created_at, used_at in times:
                await open_session(store, created_at=created_at, used_at=used_at)
                seq = (await store.perform(Revoke(target, NOW, HORIZON))).seq
                assert seq is not None
                (entry,) = await store.perform(ReadLog(seq - 1))
                assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")
                assert entry.expires_at == ahead + HORIZON


class LogCases:
    """`ReadLog` and `FindRevocation`."""

    @case
    async def test_the_log_is_read_in_order_and_in_parts(self, store: Store) -> None:
        for name in "abcde":
            await store.perform(Revoke(Target.key(name), NOW, HORIZON))
        first = await store.perform(ReadLog(0, limit=2))
        rest = await store.perform(ReadLog(first[-1].seq))
        assert [one.subject for one in first + rest] == list("abcde")
        seqs = [one.seq for one in first + rest]
        assert seqs == sorted(set(seqs))
        assert await store.perform(ReadLog(seqs[-1])) == ()

    @case
    async def test_the_log_itself_says_what_is_refused(self, store: Store) -> None:
        await open_session(store)
        await store.perform(Revoke(Target.session("ses_one"), NOW, HORIZON))
        await store.perform(Revoke(Target.user("usr_bob"), NOW, HORIZON))
        await store.perform(Revoke(Target.key("k1"), NOW, HORIZON))
        ask = FindRevocation
        assert await store.perform(ask("ses_one", "usr_ada", "k2", NOW + 9))
        assert await store.perform(ask("ses_two", "usr_bob", "k2", NOW))
        assert await store.perform(ask("ses_two", "usr_ada", "k1", NOW + 9))
        assert not await store.perform(ask("ses_two", "usr_bob", "k2", NOW + 1))
        assert not await store.perform(ask("ses_two", "usr_ada", "k2", 0))
        assert not await store.perform(ask("ses_two", "usr_ada", None, 0))
        # A name of one kind means nothing as a name of another.
        assert not await store.perform(ask("usr_bob", "ses_one", "usr_bob", 0))
        await store.perform(Revoke(Target.everybody(), NOW + 5, HORIZON))
        assert await store.perform(ask("ses_two", "usr_ada", None, NOW + 5))
        assert not await store.perform(ask("ses_two", "usr_ada", None, NOW + 6))

    @case
    async def test_a_number_of_the_log_is_never_used_again(self, store: Store) -> None:
        await store.perform(Revoke(Target.key("a"), NOW, HORIZON))
        (old,) = await store.perform(ReadLog(0))
        assert await store.perform(Purge(NOW + HORIZON)) == 1
        assert await store.perform(ReadLog(0)) == ()
        await store.perform(Revoke(Target.key("b"), NOW, HORIZON))
        (new,) = await store.perform(ReadLog(old.seq))
        assert new.subject == "b"

    @case
    async def test_a_reader_that_follows_the_log_misses_nothing(self, store: Store) -> None:
        seen: list[Revocation] = []

        written = asyncio.Event()

        async def follow() -> None:
            last = False
            while not last:
                last = written.is_set()
                seen.extend(await store.perform(ReadLog(seen[-1].seq if seen else 0)))
                await asyncio.sleep(0)  # a store in memory would never let the writers run

        async def write(number: int) -> None:
            for part in range(5):
                target = Target.key(f"{number}.{part}")
                await store.perform(Revoke(target, NOW, HORIZON))

        async def write_all() -> None:
            await together(*(write(number) for number in range(ROUNDS)))
            written.set()

        await together(follow(), write_all())
        assert len(seen) == ROUNDS * 5
        assert tuple(seen) == await store.perform(ReadLog(0))


class KeptCases:
    """`KeepRevocations` and `ListKept`: what one store remembers for another."""

    @case
    async def test_what_is_kept_for_another_store_is_listed_in_order_and_in_parts(
        self, store: Store
    ) -> None:
        wanted = [
            KeptRevocation(Kind.SESSION, "ses_one", NOW + 1, NOW + HORIZON, NOW + 9),
            KeptRevocation(Kind.USER, "usr_ada", NOW + 2, 0, NOW + 9),
            KeptRevocation(Kind.ALL, "", NOW + 3, NOW + HORIZON, 0),
        ]
        await store.perform(KeepRevocations(tuple(wanted[:2])))
        await store.perform(KeepRevocations(()))
        await store.perform(KeepRevocations(tuple(wanted[2:])))
        first = await store.perform(ListKept(0, limit=2))
        rest = await store.perform(ListKept(first[-1].number))
        assert [replace(one, number=0) for one in first + rest] == wanted
        numbers = [one.number for one in first + rest]
        assert numbers == sorted(set(numbers))
        assert await store.perform(ListKept(numbers[-1])) == ()

    @case
    async def test_what_is_kept_for_another_store_changes_nothing_in_this_one(
        self, store: Store
    ) -> None:
        await open_session(store)
        kept = KeptRevocation(Kind.USER, "usr_ada", NOW + 1, NOW + HORIZON, NOW + HORIZON)
        await store.perform(KeepRevocations((kept,)))
        assert await store.perform(FindSession(id="ses_one")) is not None
        assert await store.perform(ReadLog(0)) == ()
        assert not await store.perform(FindRevocation("ses_one", "usr_ada", None, NOW))

    @case
    async def test_what_is_kept_is_forgotten_when_nothing_could_come_back(
        self, store: Store
    ) -> None:
        for name, expires_at, until in (("a", NOW, 0), ("b", 0, NOW), ("c", NOW + 1, NOW)):
            kept = KeptRevocation(Kind.SESSION, name, NOW, expires_at, until)
            await store.perform(KeepRevocations((kept,)))
        assert await store.perform(Purge(NOW)) == 0  # copies are not counted
        assert [one.subject for one in await store.perform(ListKept(0))] == ["c"]
        await store.perform(Purge(NOW + 1))
        assert await store.perform(ListKept(0)) == ()

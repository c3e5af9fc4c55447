"""Cases about counters, single-use tickets and housekeeping."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import (
    Consume,
    Counter,
    Draw,
    FindSession,
    FindTicket,
    ForgetCounts,
    Increment,
    KeepTicket,
    Purge,
    ReadCounts,
    ReadLog,
    Revoke,
    Ticket,
)
from limen.revocation import Target
from limen.testing.store_cases.case import (
    CROWD,
    GROUP,
    HORIZON,
    MINUTE,
    NOW,
    case,
    digest,
    live,
    open_session,
    together,
)
from limen.throttle import Tally

if TYPE_CHECKING:
    from limen.ports import Store


class CounterCases:
    """`Increment`."""

    @case
    async def test_attempts_count_within_a_window(self, store: Store) -> None:
        for count in (1, 2, 3):
            tally = await store.perform(Increment("ada", MINUTE, NOW + count))
            assert tally == Tally(count, NOW + 1 + MINUTE)
        assert await store.perform(Increment("bob", MINUTE, NOW)) == Tally(1, NOW + MINUTE)

    @case
    async def test_a_new_window_starts_from_one(self, store: Store) -> None:
        await store.perform(Increment("ada", MINUTE, NOW))
        assert (await store.perform(Increment("ada", MINUTE, NOW + MINUTE - 1))).count == 2
        over = NOW + MINUTE
        assert await store.perform(Increment("ada", MINUTE, over)) == Tally(1, over + MINUTE)

    @case
    async def test_concurrent_attempts_never_share_a_number(self, store: Store) -> None:
        wanted = [Increment("ada", MINUTE, NOW) for _ in range(CROWD)]
        tallies = await together(*(store.perform(one) for one in wanted))
        assert sorted(tally.count for tally in tallies) == list(range(1, CROWD + 1))

    @case
    async def test_any_text_can_be_counted(self, store: Store) -> None:
        key = "sign-in:account:\0\ud800é"
        assert (await store.perform(Increment(key, MINUTE, NOW))).count == 1
        assert (await store.perform(Increment(key, MINUTE, NOW))).count == 2


class DrawCases:
    """`Draw`, `ReadCounts` and `ForgetCounts`."""

    @case
    async def test_a_draw_counts_under_each_key(self, store: Store) -> None:
        drawn = Draw((Counter("ada", MINUTE, 5), Counter("row", 2 * MINUTE)), NOW)
        for count in (1, 2):
            tallies = await store.perform(drawn)
            assert tallies == (Tally(count, NOW + MINUTE), Tally(count, NOW + 2 * MINUTE))
        assert (await store.perform(Increment("row", MINUTE, NOW))).count == 3

    @case
    async def test_a_draw_stops_at_the_first_limit(self, store: Store) -> None:
        drawn = Draw((Counter("ada", MINUTE, 2), Counter("row", MINUTE)), NOW)
        told = [[one.count for one in await store.perform(drawn)] for _ in range(4)]
        assert told == [[1, 1], [2, 2], [3], [4]]
        assert await store.perform(ReadCounts(("row",), NOW)) == (Tally(2, NOW + MINUTE),)

    @case
    async def test_concurrent_draws_never_share_a_number(self, store: Store) -> None:
        wanted = [
            Draw((Counter("ada", MINUTE, GROUP), Counter("row", MINUTE)), NOW) for _ in range(CROWD)
        ]
        answers = await together(*(store.perform(one) for one in wanted))
        assert sorted(one[0].count for one in answers) == list(range(1, CROWD + 1))
        inside = sorted(one[1].count for one in answers if len(one) > 1)
        assert inside == list(range(1, GROUP + 1))

    @case
    async def test_counters_are_looked_at_without_counting(self, store: Store) -> None:
        await store.perform(Increment("ada", MINUTE, NOW))
        looked = ReadCounts(("bob\0", "ada", "ada"), NOW + MINUTE - 1)
        for _ in range(2):
            tally = Tally(1, NOW + MINUTE)
            assert await store.perform(looked) == (None, tally, tally)
        assert await store.perform(ReadCounts(("ada",), NOW + MINUTE)) == (None,)
        assert await store.perform(ReadCounts((), NOW)) == ()

    @case
    async def test_a_counter_that_is_forgotten_begins_anew(self, store: Store) -> None:
        for key in ("ada", "bob", "eve"):
            await store.perform(Increment(key, MINUTE, NOW))
        await store.perform(ForgetCounts(("ada", "eve", "nobody")))
        seen = await store.perform(ReadCounts(("ada", "bob", "eve"), NOW))
        assert [one is None for one in seen] == [True, False, True]
        assert (await store.perform(Increment("ada", MINUTE, NOW))).count == 1
        await store.perform(ForgetCounts(()))


class TicketCases:
    """`KeepTicket`, `FindTicket` and `Consume`."""

    @case
    async def test_a_ticket_works_once(self, store: Store) -> None:
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE)
        await store.perform(KeepTicket(ticket))
        assert await store.perform(Consume("reset", digest("t"), NOW)) == ticket
        assert await store.perform(Consume("reset", digest("t"), NOW)) is None

    @case
    async def test_a_ticket_serves_one_purpose(self, store: Store) -> None:
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE)
        await store.perform(KeepTicket(ticket))
        assert await store.perform(Consume("launch", digest("t"), NOW)) is None
        assert await store.perform(Consume("reset", digest("u"), NOW)) is None
        assert await store.perform(Consume("reset", digest("t"), NOW)) == ticket

    @case
    async def test_a_ticket_expires(self, store: Store) -> None:
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE)
        await store.perform(KeepTicket(ticket))
        assert await store.perform(Consume("reset", digest("t"), NOW + MINUTE)) is None

    @case
    async def test_one_of_many_concurrent_callers_receives_it(self, store: Store) -> None:
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE)
        await store.perform(KeepTicket(ticket))
        wanted = [Consume("reset", digest("t"), NOW) for _ in range(CROWD)]
        answers = await together(*(store.perform(one) for one in wanted))
        assert [answer for answer in answers if answer is not None] == [ticket]

    @case
    async def test_a_detail_comes_back_as_it_was_kept(self, store: Store) -> None:
        for detail in ("", '{"revision": 3, "to": "é\\u0000\U0001f511"}', "x" * 5_000):
            ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE, detail)
            await store.perform(KeepTicket(ticket))
            assert await store.perform(FindTicket("reset", digest("t"), NOW)) == ticket
            assert await store.perform(Consume("reset", digest("t"), NOW)) == ticket
        assert "revision" not in repr(replace(ticket, detail='{"revision": 3}'))

    @case
    async def test_a_ticket_is_looked_at_without_being_used(self, store: Store) -> None:
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE, "3")
        await store.perform(KeepTicket(ticket))
        for _ in range(2):
            assert await store.perform(FindTicket("reset", digest("t"), NOW)) == ticket
        for purpose, name, now in (
            ("launch", "t", NOW),
            ("reset", "u", NOW),
            ("reset", "t", NOW + MINUTE),
        ):
            assert await store.perform(FindTicket(purpose, digest(name), now)) is None
        assert await store.perform(Consume("reset", digest("t"), NOW)) == ticket
        assert await store.perform(FindTicket("reset", digest("t"), NOW)) is None

    @case
    async def test_a_ticket_that_is_kept_again_is_replaced(self, store: Store) -> None:
        first = Ticket("reset", digest("t"), "usr_ada", NOW + MINUTE, "first")
        second = Ticket("reset", digest("t"), "usr_bob", NOW + 2 * MINUTE)
        for ticket in (first, second):
            await store.perform(KeepTicket(ticket))
        assert await store.perform(Consume("reset", digest("t"), NOW + MINUTE)) == second
        assert await store.perform(Consume("reset", digest("t"), NOW)) is None


class PurgeCases:
    """`Purge`."""

    @case
    async def test_what_time_has_ended_is_deleted(self, store: Store) -> None:
        await open_session(store, "idle", used_at=NOW - 30 * MINUTE)
        await open_session(store, "over", expires_at=NOW)
        await store.perform(Revoke(Target.key("k1"), NOW - HORIZON, HORIZON))
        await store.perform(Increment("ada", MINUTE, NOW - MINUTE))
        await store.perform(KeepTicket(Ticket("reset", digest("t"), "usr_ada", NOW)))
        assert await store.perform(Purge(NOW)) == 5
        assert await store.perform(Purge(NOW)) == 0
        assert await store.perform(FindSession(id="ses_idle")) is None
        assert await store.perform(FindSession(digest=digest("ref over"))) is None
        assert await store.perform(live("fresh over")) is None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_what_still_lives_is_kept(self, store: Store) -> None:
        await open_session(store, "idle", used_at=NOW - 30 * MINUTE + 1)
        await open_session(store, "over", expires_at=NOW + 1)
        await store.perform(Revoke(Target.key("k1"), NOW - HORIZON + 1, HORIZON))
        await store.perform(Increment("ada", MINUTE, NOW - MINUTE + 1))
        ticket = Ticket("reset", digest("t"), "usr_ada", NOW + 1)
        await store.perform(KeepTicket(ticket))
        assert await store.perform(Purge(NOW)) == 0
        assert await store.perform(FindSession(id="ses_idle")) is not None
        assert await store.perform(FindSession(digest=digest("ref over"))) is not None
        assert len(await store.perform(ReadLog(0))) == 1
        assert (await store.perform(Increment("ada", MINUTE, NOW))).count == 2
        assert await store.perform(Consume("reset", digest("t"), NOW)) == ticket

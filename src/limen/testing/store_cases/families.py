"""Cases about refresh families."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from limen.effects import (
    FindRefresh,
    FindSession,
    ListSessions,
    ReadLog,
    Revoke,
    RotateRefresh,
    TouchSession,
)
from limen.errors import StoreUnavailable
from limen.family import Repeated, Replayed, Rotated, Superseded, Unproven
from limen.revocation import Kind, Target
from limen.session import Standing
from limen.testing.store_cases.case import (
    CROWD,
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

if TYPE_CHECKING:
    from limen.ports import Store

GRACE = 10_000
LATER = NOW + 5


def rotation(token: str, successor: str, now: int = LATER, grace: int = GRACE) -> RotateRefresh:
    """Present one token and offer another."""
    return RotateRefresh(
        digest=digest(token),
        successor=digest(successor),
        sealed_successor=f"sealed {successor}".encode(),
        now=now,
        grace=grace,
        horizon=HORIZON,
    )


KEY: Final = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


class FamilyCases:
    """`FindRefresh` and `RotateRefresh`, one caller at a time."""

    @case
    async def test_the_first_use_rotates_and_counts_as_a_use(self, store: Store) -> None:
        owner = await add_account(store)
        await open_session(store)
        standing = Standing(session(used_at=LATER), owner.roles, disabled=False)
        assert await store.perform(rotation("fresh one", "b")) == Rotated(standing)
        assert await store.perform(FindSession(id="ses_one")) == standing
        assert await store.perform(live("b")) == standing
        assert await store.perform(live("fresh one")) is None

    @case
    async def test_a_retry_in_the_grace_gets_the_same_successor(self, store: Store) -> None:
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        again = await store.perform(rotation("fresh one", "c", LATER + GRACE - 1))
        used = session(used_at=LATER + GRACE - 1)
        standing = Standing(used, frozenset(), disabled=False)
        assert again == Repeated(standing, b"sealed b")
        assert await store.perform(live("c")) is None
        assert await store.perform(live("b")) == standing

    @case
    async def test_a_retry_after_the_successor_was_used_ends_nothing(self, store: Store) -> None:
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        await store.perform(rotation("b", "c"))
        assert await store.perform(rotation("fresh one", "d")) == Superseded()
        assert await store.perform(live("d")) is None
        assert await store.perform(live("c")) is not None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_token_counts_as_live_while_its_successor_would_be_repeated(
        self, store: Store
    ) -> None:
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        within = FindRefresh(digest("fresh one"), LATER + GRACE - 1, GRACE)
        assert await store.perform(within) is not None
        over = FindRefresh(digest("fresh one"), LATER + GRACE, GRACE)
        assert await store.perform(over) is None
        await store.perform(rotation("b", "c"))
        assert await store.perform(within) is None

    @case
    async def test_a_replay_ends_the_family_and_is_logged(self, store: Store) -> None:
        await open_session(store)
        await open_session(store, "two")
        await store.perform(rotation("fresh one", "b"))
        replay = await store.perform(rotation("fresh one", "c", LATER + GRACE))
        assert replay == Replayed("ses_one", "usr_ada")
        assert await store.perform(live("b")) is None
        assert await store.perform(FindSession(digest=digest("ref one"))) is None
        assert await store.perform(rotation("b", "d")) is None
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")
        assert entry.expires_at == LATER + GRACE + HORIZON
        assert await store.perform(live("fresh two")) is not None

    @case
    async def test_the_entry_of_a_replay_outlives_what_a_clock_that_is_ahead_gave_out(
        self, store: Store
    ) -> None:
        ahead = NOW + 30_000
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        await store.perform(TouchSession("ses_one", ahead))
        replay = await store.perform(rotation("fresh one", "c", LATER + GRACE))
        assert replay == Replayed("ses_one", "usr_ada")
        (entry,) = await store.perform(ReadLog(0))
        assert entry.expires_at == ahead + HORIZON

    @case
    async def test_a_replay_needs_no_entry_without_a_horizon(self, store: Store) -> None:
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        replay = replace(rotation("fresh one", "c", grace=0), horizon=0)
        assert await store.perform(replay) == Replayed("ses_one", "usr_ada")
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_session_that_is_over_rotates_no_more(self, store: Store) -> None:
        await open_session(store)
        idle = NOW + 30 * MINUTE
        assert await store.perform(rotation("fresh one", "b", idle)) is None
        assert await store.perform(live("b")) is None
        await open_session(store, "two", expires_at=LATER)
        assert await store.perform(rotation("fresh two", "c")) is None
        assert await store.perform(live("fresh two")) is not None

    @case
    async def test_a_retry_in_a_session_that_is_over_gets_nothing(self, store: Store) -> None:
        await open_session(store, expires_at=LATER + 1)
        await store.perform(rotation("fresh one", "b"))
        assert await store.perform(rotation("fresh one", "c", LATER + 1)) is None

    @case
    async def test_a_replay_ends_even_a_session_that_is_over(self, store: Store) -> None:
        await open_session(store)
        await store.perform(rotation("fresh one", "b"))
        replay = await store.perform(rotation("fresh one", "c", NOW + 200 * MINUTE))
        assert replay == Replayed("ses_one", "usr_ada")
        assert await store.perform(FindSession(id="ses_one")) is None
        assert len(await store.perform(ReadLog(0))) == 1

    @case
    async def test_an_unknown_token_is_nobody_s(self, store: Store) -> None:
        await open_session(store)
        assert await store.perform(rotation("invented", "b")) is None
        assert await store.perform(rotation("ref one", "b")) is None
        assert await store.perform(live("b")) is None

    @case
    async def test_a_rotation_that_fails_midway_leaves_the_token_unused(self, store: Store) -> None:
        await open_session(store)
        await open_session(store, "two")
        failed = False
        try:
            await store.perform(rotation("fresh one", "fresh two"))
        except StoreUnavailable:
            failed = True
        assert failed
        found = await store.perform(live("fresh one"))
        assert found == Standing(session(), frozenset(), disabled=False)
        assert isinstance(await store.perform(rotation("fresh one", "b")), Rotated)


class BoundFamilyCases:
    """`RotateRefresh` of a session that is bound to a key."""

    @case
    async def test_a_session_stays_bound(self, store: Store) -> None:
        kept = await open_session(store, bound_to=KEY)
        assert kept.bound_to == KEY
        for asked in (FindSession(id=kept.id), FindSession(digest=digest("ref one"))):
            found = await store.perform(asked)
            assert found is not None
            assert found.session == kept
        assert await store.perform(ListSessions("usr_ada", NOW)) == (kept,)

    @case
    async def test_only_the_key_rotates(self, store: Store) -> None:
        await open_session(store, bound_to=KEY)
        await open_session(store, "two")
        bound, free = rotation("fresh one", "child"), rotation("fresh two", "other")
        for wrong in (bound, replace(bound, proven_key="other"), replace(free, proven_key=KEY)):
            assert await store.perform(wrong) == Unproven()
        for unused in ("fresh one", "fresh two"):
            assert await store.perform(live(unused)) is not None
        rotated = await store.perform(replace(bound, proven_key=KEY))
        assert isinstance(rotated, Rotated)
        assert rotated.standing.session.bound_to == KEY
        assert isinstance(await store.perform(free), Rotated)

    @case
    async def test_a_replay_without_the_key_ends_nothing(self, store: Store) -> None:
        await open_session(store, bound_to=KEY)
        used = replace(rotation("fresh one", "child"), proven_key=KEY)
        assert isinstance(await store.perform(used), Rotated)
        late = replace(used, successor=digest("late"), now=NOW + HORIZON)
        for wrong in (None, "other"):
            assert await store.perform(replace(late, proven_key=wrong)) == Unproven()
        assert await store.perform(live("child")) is not None
        assert await store.perform(ReadLog(0)) == ()
        assert isinstance(await store.perform(late), Replayed)
        assert await store.perform(live("child")) is None


class FamilyRaces:
    """`RotateRefresh` with many callers."""

    @case
    async def test_without_a_grace_one_of_many_presentations_succeeds(self, store: Store) -> None:
        await open_session(store)
        wanted = [rotation("fresh one", f"n{n}", grace=0) for n in range(CROWD)]
        answers = await together(*(store.perform(one) for one in wanted))
        kinds = [type(answer) for answer in answers]
        assert kinds.count(Rotated) == 1
        assert kinds.count(Replayed) == 1
        assert kinds.count(type(None)) == CROWD - 2
        assert await store.perform(FindSession(id="ses_one")) is None

    @case
    async def test_within_the_grace_all_receive_the_same_successor(self, store: Store) -> None:
        await open_session(store)
        wanted = [rotation("fresh one", f"n{n}") for n in range(CROWD)]
        answers = await together(*(store.perform(one) for one in wanted))
        (winner,) = [n for n, answer in enumerate(answers) if isinstance(answer, Rotated)]
        repeated = [answer for answer in answers if isinstance(answer, Repeated)]
        assert len(repeated) == CROWD - 1
        assert {one.sealed_successor for one in repeated} == {f"sealed n{winner}".encode()}
        living = [n for n in range(CROWD) if await store.perform(live(f"n{n}")) is not None]
        assert living == [winner]

    @case
    async def test_no_child_lives_after_a_revocation_that_raced(self, store: Store) -> None:
        for number in range(ROUNDS):
            await open_session(store, f"s{number}")
            targets = (Target.session(f"ses_s{number}"), Target.user("usr_ada"))
            await together(
                store.perform(rotation(f"fresh s{number}", f"child {number}")),
                store.perform(Revoke(targets[number % 2], LATER, HORIZON)),
            )
            assert await store.perform(live(f"child {number}")) is None
            assert await store.perform(live(f"fresh s{number}")) is None
        assert await store.perform(ListSessions("usr_ada", NOW)) == ()

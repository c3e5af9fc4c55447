"""Cases about how many sessions a subject may have, and about one that takes another's place."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import (
    AttachCredential,
    FindRevocation,
    FindSession,
    ListSessions,
    OpenSession,
    ReadLog,
    Revoke,
    SetSessionFields,
    TouchSession,
)
from limen.revocation import Kind, Target
from limen.session import Opened, SessionLimit
from limen.testing.store_cases.case import (
    HORIZON,
    MINUTE,
    NOW,
    ROUNDS,
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
    from limen.session import Session

_TWO = SessionLimit(2)
_MANY = 10
_SOME = 3


def _later(name: str, minutes: int, /, subject: str = "usr_ada") -> Session:
    at = NOW + minutes * MINUTE
    expires_at = NOW + 100 * MINUTE
    return session(name, subject, created_at=at, used_at=at, expires_at=expires_at)


async def _names(store: Store, now: int = NOW, subject: str = "usr_ada") -> set[str]:
    return {one.id for one in await store.perform(ListSessions(subject, now))}


class CrowdCases:
    """What happens at the limit."""

    @case
    async def test_the_one_last_used_the_longest_ago_gives_way(self, store: Store) -> None:
        for minute, name in enumerate(("one", "two")):
            await store.perform(OpenSession(_later(name, minute), None, digest(name), limit=_TWO))
        await store.perform(TouchSession("ses_one", NOW + 2 * MINUTE))
        third = _later("three", 3)
        answer = await store.perform(OpenSession(third, None, limit=_TWO, horizon=HORIZON))
        assert answer == Opened(third, ("ses_two",))
        assert await _names(store) == {"ses_one", "ses_three"}
        assert await store.perform(FindSession(digest=digest("two"))) is None
        assert await store.perform(FindSession(digest=digest("one"))) is not None

    @case
    async def test_who_gave_way_stands_in_the_log(self, store: Store) -> None:
        await open_session(store, "one")
        # A token may have been signed for it by a clock that is ahead.
        await store.perform(AttachCredential("ses_one", None, NOW + MINUTE))
        limit = SessionLimit(1)
        await store.perform(OpenSession(_later("two", 0), None, limit=limit, horizon=HORIZON))
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")
        assert entry.not_before == NOW + MINUTE + 1
        assert entry.expires_at == NOW + MINUTE + HORIZON
        token = FindRevocation("ses_one", "usr_ada", None, NOW)
        assert await store.perform(token)
        assert not await store.perform(replace(token, session_id="ses_two"))

    @case
    async def test_where_none_may_give_way_nobody_gets_in(self, store: Store) -> None:
        limit = SessionLimit(2, evicts=False)
        for minute, name in enumerate(("one", "two")):
            answer = await store.perform(OpenSession(_later(name, minute), None, limit=limit))
            assert isinstance(answer, Opened)
        third = OpenSession(_later("three", 3), None, digest("three"), limit=limit, horizon=HORIZON)
        assert await store.perform(third) is Reason.TOO_MANY_SESSIONS
        assert await _names(store) == {"ses_one", "ses_two"}
        assert await store.perform(ReadLog(0)) == ()
        await store.perform(Revoke(Target.session("ses_one"), NOW, 0))
        assert isinstance(await store.perform(third), Opened)

    @case
    async def test_what_has_ended_does_not_count(self, store: Store) -> None:
        limit = SessionLimit(1, evicts=False)
        await open_session(store, "idle")
        await open_session(store, "over", expires_at=NOW + MINUTE)
        await open_session(store, "hers", "usr_bea", idle=100 * MINUTE)
        new = _later("new", 30)
        answer = await store.perform(OpenSession(new, None, limit=limit, horizon=HORIZON))
        assert answer == Opened(new)
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_a_lower_limit_makes_room_at_the_next_sign_in(self, store: Store) -> None:
        for number in range(5):
            await store.perform(OpenSession(_later(f"s{number}", number), None))
        answer = await store.perform(OpenSession(_later("new", 6), None, limit=_TWO))
        assert isinstance(answer, Opened)
        assert answer.ended == ("ses_s0", "ses_s1", "ses_s2", "ses_s3")
        assert await _names(store) == {"ses_s4", "ses_new"}

    @case
    async def test_many_sign_ins_at_once_never_leave_more(self, store: Store) -> None:
        for evicts in (True, False):
            subject = f"usr_{evicts}"
            limit = SessionLimit(_SOME, evicts=evicts)
            answers = await together(
                *(
                    store.perform(
                        OpenSession(
                            session(f"{evicts}{number}", subject),
                            None,
                            limit=limit,
                            horizon=HORIZON,
                        )
                    )
                    for number in range(_MANY)
                )
            )
            opened = [one for one in answers if isinstance(one, Opened)]
            assert len(opened) == (_MANY if evicts else _SOME)
            ended = {name for one in opened for name in one.ended}
            left = {one.session.id for one in opened} - ended
            assert len(left) == _SOME
            assert await _names(store, subject=subject) == left


class SuccessionCases:
    """How a session takes the place of another one."""

    @case
    async def test_the_session_before_ends_with_all_its_credentials(self, store: Store) -> None:
        await open_session(store, "one")
        await open_session(store, "other")
        await store.perform(SetSessionFields("ses_one", '{"theme":"dark"}'))
        new = _later("two", 1)
        opening = OpenSession(
            new,
            None,
            reference=digest("ref two"),
            refresh=digest("fresh two"),
            replaces="ses_one",
            horizon=HORIZON,
        )
        answer = await store.perform(opening)
        kept = replace(new, fields='{"theme":"dark"}')
        assert answer == Opened(kept, ("ses_one",))
        for gone in (FindSession(id="ses_one"), FindSession(digest=digest("ref one"))):
            assert await store.perform(gone) is None
        assert await store.perform(live("fresh one")) is None
        found = await store.perform(FindSession(digest=digest("ref two")))
        assert found is not None
        assert found.session == kept
        assert await store.perform(live("fresh two")) is not None
        assert await _names(store) == {"ses_two", "ses_other"}
        (entry,) = await store.perform(ReadLog(0))
        assert (entry.kind, entry.subject) == (Kind.SESSION, "ses_one")

    @case
    async def test_only_a_live_session_of_the_same_subject_is_continued(self, store: Store) -> None:
        await open_session(store, "idle")
        await open_session(store, "hers", "usr_bea", idle=100 * MINUTE)
        new = _later("new", 30)
        for name in ("ses_idle", "ses_hers", "ses_unknown"):
            opening = OpenSession(new, None, digest("ref new"), replaces=name, horizon=HORIZON)
            assert await store.perform(opening) is Reason.UNKNOWN_SESSION
        assert await store.perform(FindSession(digest=digest("ref new"))) is None
        assert await store.perform(FindSession(id="ses_hers")) is not None
        assert await store.perform(ReadLog(0)) == ()

    @case
    async def test_its_place_is_free_for_its_successor(self, store: Store) -> None:
        limit = SessionLimit(2, evicts=False)
        for name in ("one", "two"):
            await store.perform(OpenSession(session(name), None, limit=limit))
        new = OpenSession(_later("new", 1), None, replaces="ses_one", limit=limit)
        assert await store.perform(new) == Opened(new.session, ("ses_one",))
        crowded = OpenSession(_later("more", 2), None, replaces="ses_two", limit=SessionLimit(1))
        assert await store.perform(crowded) == Opened(crowded.session, ("ses_new", "ses_two"))

    @case
    async def test_of_many_successors_at_once_one_is_the_heir(self, store: Store) -> None:
        await open_session(store, "one")
        answers = await together(
            *(
                store.perform(
                    OpenSession(session(f"s{number}"), None, replaces="ses_one", horizon=HORIZON)
                )
                for number in range(_MANY)
            )
        )
        (heir,) = (one for one in answers if isinstance(one, Opened))
        assert answers.count(Reason.UNKNOWN_SESSION) == _MANY - 1
        assert await _names(store) == {heir.session.id}

    @case
    async def test_a_revocation_meets_it_before_or_after(self, store: Store) -> None:
        for number in range(ROUNDS):
            subject = f"usr_{number}"
            await open_session(store, f"old{number}", subject)
            opening = OpenSession(
                session(f"new{number}", subject),
                None,
                replaces=f"ses_old{number}",
                horizon=HORIZON,
            )
            ending = Revoke(Target.user(subject), NOW, HORIZON)
            opened, ended = await asyncio.gather(store.perform(opening), store.perform(ending))
            assert await _names(store, subject=subject) == set()
            assert ended.sessions == 1
            assert isinstance(opened, Opened) or opened is Reason.UNKNOWN_SESSION

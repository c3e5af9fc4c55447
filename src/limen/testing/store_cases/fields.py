"""Cases about what an application keeps with a session."""
# ruff: noqa: D102 - the name of a case says what it shows

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from limen.effects import (
    AttachCredential,
    FindSession,
    ListSessions,
    OpenSession,
    Revoke,
    RotateRefresh,
    SetPassword,
    SetSessionFields,
    TouchSession,
    UpdateAccount,
)
from limen.family import Rotated
from limen.revocation import Target
from limen.session import Opened
from limen.testing.store_cases.case import (
    HORIZON,
    NOW,
    ROUNDS,
    add_account,
    case,
    digest,
    open_session,
    session,
)

if TYPE_CHECKING:
    from limen.ports import Store

FIELDS = '{"cart": [1, 2], "shown": "\u00e9"}'


class SessionFieldCases:
    """`SetSessionFields`."""

    @case
    async def test_a_session_begins_with_its_fields(self, store: Store) -> None:
        await open_session(store, "none")
        await open_session(store, "some", fields=FIELDS)
        for name, fields in (("none", "{}"), ("some", FIELDS)):
            found = await store.perform(FindSession(digest=digest(f"ref {name}")))
            assert found is not None
            assert found.session == session(name, fields=fields)

    @case
    async def test_fields_are_replaced_and_nothing_else(self, store: Store) -> None:
        kept = await open_session(store, fields=FIELDS)
        await open_session(store, "two")
        for fields in ('{"a": 1}', "{}", FIELDS):
            expected = replace(kept, fields=fields)
            assert await store.perform(SetSessionFields("ses_one", fields)) == expected
            found = await store.perform(FindSession(id="ses_one"))
            assert found is not None
            assert found.session == expected
        listed = await store.perform(ListSessions("usr_ada", NOW))
        assert {one.id: one.fields for one in listed} == {"ses_one": FIELDS, "ses_two": "{}"}

    @case
    async def test_fields_never_revive_a_session(self, store: Store) -> None:
        await open_session(store)
        await store.perform(Revoke(Target.session("ses_one"), NOW))
        for name in ("ses_one", "ses_unknown"):
            assert await store.perform(SetSessionFields(name, FIELDS)) is None
            assert await store.perform(FindSession(id=name)) is None
        assert await store.perform(FindSession(digest=digest("ref one"))) is None
        # Nor do they pass to another that gets the name.
        assert await store.perform(OpenSession(session(), None)) == Opened(session())

    @case
    async def test_fields_outlive_every_use_of_the_session(self, store: Store) -> None:
        await add_account(store)
        await open_session(store)
        await store.perform(SetSessionFields("ses_one", FIELDS))
        await store.perform(TouchSession("ses_one", NOW + 1))
        attached = await store.perform(
            AttachCredential("ses_one", "session", NOW + 2, reference=digest("b"))
        )
        assert attached is not None
        offer = RotateRefresh(digest("fresh one"), digest("next"), b"sealed", NOW + 3, 0, HORIZON)
        rotated = await store.perform(offer)
        assert isinstance(rotated, Rotated)
        roles = UpdateAccount("usr_ada", NOW + 4, roles=frozenset())
        assert await store.perform(roles) is not None
        password = SetPassword("usr_ada", "new", 1, NOW, moves_on=True, revoke=True, keep="ses_one")
        assert await store.perform(password)
        found = await store.perform(FindSession(digest=digest("b")))
        assert found is not None
        for one in (attached, rotated.standing, found):
            assert one.session.fields == FIELDS
        assert found.session == session(strategy="session", used_at=NOW + 3, fields=FIELDS)

    @case
    async def test_fields_race_with_the_end_of_a_session_and_with_its_use(
        self, store: Store
    ) -> None:
        for number in range(ROUNDS):
            kept = await open_session(store, f"s{number}")
            await asyncio.gather(
                store.perform(SetSessionFields(kept.id, FIELDS)),
                store.perform(TouchSession(kept.id, NOW + 5)),
                store.perform(AttachCredential(kept.id, "session", NOW + 3)),
            )
            found = await store.perform(FindSession(id=kept.id))
            assert found is not None
            assert found.session == replace(
                kept, fields=FIELDS, used_at=NOW + 5, strategy="session"
            )
            await asyncio.gather(
                store.perform(SetSessionFields(kept.id, "{}")),
                store.perform(Revoke(Target.session(kept.id), NOW)),
            )
            assert await store.perform(FindSession(id=kept.id)) is None

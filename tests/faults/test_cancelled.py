"""Whoever asked goes away in the middle, or what fails is a fault that nobody foresaw.

The same as in `test_injection`, for code that awaits: a client that hangs up cancels whatever
the request had under way, at any question.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from deeds import DEEDS, Deed
from limens import STRATEGIES
from people import OPTIONS, OTHER, Files, Memory, People

from limen import Limen
from limen.effects import Effect
from limen.ports import Store
from limen.stores.memory import MemoryStore
from limen.stores.sql import SqlStore
from limen.testing import SeededEntropy
from limen.testing.faulty import Failure, FaultyStore

CELLS = [(name, STRATEGIES[number % 3]) for number, name in enumerate(DEEDS)]
pytestmark = pytest.mark.proves("asvs:2.3.3", "asvs:16.5.3", "attack:84")


class Broken(Exception):
    """A fault that no store should raise, and one of your own may."""


def awaiting(people: People, store: Store) -> Limen:
    """Return a process that awaits, over the people's store."""
    return Limen(
        people.strategy,  # type: ignore[arg-type]  # one of three names
        store=store,
        clock=people.clock,
        entropy=SeededEntropy("doer"),
        accept=(OTHER[people.strategy],),  # type: ignore[typeddict-item]  # likewise
        feed_interval=60.0,
        max_lag=120.0,
        **OPTIONS,
    )


async def attempt(
    deed: Deed, people: People, faulty: FaultyStore, *fault: Any
) -> tuple[BaseException | None, list[Effect[Any]]]:
    """Do it with the store failing as it is told; return what was raised, and what was asked."""
    async with awaiting(people, faulty) as limen:
        faulty.fail(*fault or (-1,))
        work = asyncio.ensure_future(limen.run(deed.act(limen.assembly.operations, people)))
        await asyncio.wait([work])
        asked = list(faulty.asked)
        faulty.heal()
    if work.cancelled():
        return asyncio.CancelledError(), asked
    return work.exception(), asked


@pytest.mark.parametrize(("name", "strategy"), CELLS)
def test_a_fault_of_any_kind_leaves_nothing_half_done(name: str, strategy: str) -> None:
    deed, stores = DEEDS[name], Memory()
    people = People(strategy, stores.empty())
    deed.before(people)
    before = people.over(stores.copied(people.store)).facts
    twin = people.over(stores.copied(people.store))
    raised, asked = asyncio.run(attempt(deed, twin, faulty_over(twin)))
    assert raised is None
    after = twin.facts
    for number in range(len(asked)):
        for failure in Failure:
            for error in (Broken(), asyncio.CancelledError()):
                twin = people.over(stores.copied(people.store))
                fault = (number, failure, error)
                raised, _ = asyncio.run(attempt(deed, twin, faulty_over(twin), *fault))
                assert type(raised) is type(error), fault
                facts = twin.facts
                twin.check(facts)
                assert all(value in (before.get(k), after.get(k)) for k, value in facts.items())
                if deed.together:
                    pure = [[state.get(k) for k in deed.together] for state in (before, after)]
                    assert [facts.get(k) for k in deed.together] in pure, fault


def faulty_over(people: People) -> FaultyStore:
    """Return a store that is awaited and fails, over the people's records."""
    store = MemoryStore()
    store.blocking = people.store  # type: ignore[assignment]  # they are in memory
    return FaultyStore(store)


class Departing(FaultyStore):
    """Cancels whoever asks, while the store is at work on the question."""

    def __init__(self, store: Store, at: int) -> None:
        super().__init__(store)
        self._leaves_at = at
        self.left = False

    async def perform(self, effect: Effect[Any]) -> Any:
        """Perform it; whoever asked may be gone by then."""
        if len(self.asked) == self._leaves_at:
            self.left = True
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
        return await super().perform(effect)


WRITES = ("sign_in", "change_password", "refresh", "disable", "delete_account", "reset_password")


@pytest.mark.parametrize("name", WRITES)
def test_a_client_that_hangs_up_leaves_a_file_whole(name: str, migrated: Any) -> None:
    deed, stores = DEEDS[name], Files(migrated)
    people = People("hybrid", stores.empty())
    deed.before(people)
    for number in range(9):
        copy = stores.copied(people.store)
        twin = people.over(copy)
        awaited = SqlStore(f"sqlite+aiosqlite:///{stores.file_of(copy)}")

        async def scenario(twin: People = twin, awaited: Any = awaited, at: int = number) -> bool:
            leaving = Departing(awaited, -1)
            async with awaiting(twin, leaving) as limen:
                leaving.asked.clear()
                leaving._leaves_at = at
                work = asyncio.ensure_future(limen.run(deed.act(limen.assembly.operations, twin)))
                await asyncio.wait([work])
                leaving._leaves_at = -1
            return leaving.left

        left = asyncio.run(scenario())
        facts = twin.facts
        twin.check(facts)
        # The lock of a write that nobody waits for was let go: the file takes another.
        assert twin.limen.update_account(twin.bob.id, name="Bob") is not None
        if not left:
            break
    assert number > 0

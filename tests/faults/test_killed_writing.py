"""A process is killed with `kill -9` in the middle of each write that there is.

Just before its transaction commits, and just after, before anybody got an answer. What was
acknowledged before holds; what was under way is there wholly or not at all, and goes on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args

import pytest
from deeds import DEEDS, Deed
from people import Files, Memory, People
from servers import PostgresServer
from sqlalchemy import event

from limen import BlockingLimen, Refused, Target
from limen.driver import drive_blocking
from limen.effects import (
    Access,
    AppendAudit,
    Effect,
    KeepRevocations,
    KeptRevocation,
    LoadKeys,
    OpenSession,
    PromoteKey,
    RemoveAccount,
    RemoveKey,
    ResealKey,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetPassword,
    StoreEffect,
    ask,
)
from limen.revocation import Kind
from limen.stores.sql import BlockingSqlStore
from limen.testing.faulty import BlockingFaultyStore

BOUNDARIES = ("before the commit", "after the commit")
WRITES = [one for one in get_args(StoreEffect) if one.access is Access.WRITE]
# Of several statements; a server that lost its client half-way rolls all of them back.
LONG = (OpenSession, RotateRefresh, Revoke, SetPassword, SetDisabled, RemoveAccount, PromoteKey)
CELLS = [*((one, "sqlite") for one in WRITES), *((one, "postgresql") for one in LONG)]
IDS = [f"{one.__name__}-{place}" for one, place in CELLS]
pytestmark = pytest.mark.proves("attack:87", "asvs:2.3.3")


def alone(make: Callable[[People], Effect[Any]]) -> Deed:
    """Return a deed that is one effect, for those that no operation of these people asks."""
    return Deed(lambda _, people: ask(make(people)))


def resealed(people: People) -> Effect[Any]:
    record = people.store.perform(LoadKeys())[0]
    return ResealKey(record.id, record.sealed_private, record.sealed_private)


KEPT = KeepRevocations((KeptRevocation(Kind.USER, "usr_x", 1, 2, 3),))
ALONE = {
    ResealKey: alone(resealed),
    RemoveKey: alone(lambda people: RemoveKey(people.tokens.get("key", "none"))),
    KeepRevocations: alone(lambda _: KEPT),
    AppendAudit: alone(lambda _: AppendAudit()),
}


Case = tuple[str, Deed, int]


def asked_by_deeds() -> dict[type, Case]:
    """Return, for each effect that writes, an operation that asks it and its number there."""
    found: dict[type, Case] = {one: ("hybrid", deed, 0) for one, deed in ALONE.items()}
    for strategy, deed in product(("hybrid", "session"), DEEDS.values()):
        people = People(strategy, Memory().empty())
        deed.before(people)
        faulty = BlockingFaultyStore(people.store)
        limen = people.process("doer", faulty)
        faulty.heal()
        drive_blocking(deed.act(limen.assembly.operations, people), limen, None)
        for number, effect in enumerate(faulty.asked):
            found.setdefault(type(effect), (strategy, deed, number))
    return found


@pytest.fixture(scope="module")
def cases() -> dict[type, Case]:
    return asked_by_deeds()


@pytest.fixture
def url(request: pytest.FixtureRequest, place: str, migrated: Any) -> Iterator[str]:
    if place == "sqlite":
        stores = Files(migrated)
        yield f"sqlite+aiosqlite:///{stores.file_of(stores.empty())}"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    made = server.database()
    yield made
    server.drop(made)


@pytest.fixture
def store(url: str) -> Iterator[Callable[[], BlockingSqlStore]]:
    """Give what opens the database once more; all of them are closed at the end."""
    made: list[BlockingSqlStore] = []

    def make() -> BlockingSqlStore:
        made.append(BlockingSqlStore(url))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Halting(BlockingFaultyStore):
    """Says that it has come to the place, and waits there for its end."""

    def __init__(self, store: BlockingSqlStore, at: int, boundary: str, line: int) -> None:
        super().__init__(store)
        self._place, self._boundary, self._line = at, boundary, line
        event.listen(store._engine, "commit", self._committing)

    def perform(self, effect: Effect[Any]) -> Any:
        """Perform an effect, perhaps the last."""
        answer = super().perform(effect)
        if self._is_there and self._boundary == "after the commit":
            self._halt()
        return answer

    @property
    def _is_there(self) -> bool:
        return len(self.asked) - 1 == self._place

    def _committing(self, _: Any) -> None:
        if self._is_there and self._boundary == "before the commit":
            self._halt()

    def _halt(self) -> None:
        os.write(self._line, b"!")
        signal.pause()


def kill_within(people: People, deed: Deed, number: int, boundary: str, url: str) -> None:
    """Do it in a child process, and kill that where it says it has come to."""
    hears, says = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store = Halting(BlockingSqlStore(url), -1, boundary, says)
            limen = people.process("doer", store)
            store.heal()
            store._place = number
            drive_blocking(deed.act(limen.assembly.operations, people), limen, None)
        finally:
            os._exit(1)
    os.close(says)
    try:
        told = os.read(hears, 1)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(hears)
    assert told == b"!", "it never came there"


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(("effect", "place"), CELLS, ids=IDS)
def test_a_killed_write_is_whole_or_absent(
    effect: type,
    place: str,
    boundary: str,
    url: str,
    store: Callable[[], BlockingSqlStore],
    cases: dict[type, Case],
) -> None:
    del place  # it chose the database
    strategy, deed, number = cases[effect]
    people = People(strategy, store())
    deed.before(people)
    people.held["told"] = people.sign_in()
    people.limen.revoke(Target.session(people.held["told"].principal.session_id))
    before = people.over(store()).facts

    kill_within(people, deed, number, boundary, url)

    twin = people.over(store())
    facts = twin.facts
    twin.check(facts)
    assert "told" not in facts["live"] | facts["renewable"] | facts["accepted"]
    _whole_or_absent(deed, before, facts)
    # And life goes on: it is done again, the log takes entries, and a feed hears of them.
    if facts["exists"]:
        deed.again(twin)
    again = drive_blocking(deed.act(twin.limen.assembly.operations, twin), twin.limen, None)
    assert isinstance(again, Refused) is False or again.reason in deed.unlike
    twin.check(twin.facts)
    hears, ends = twin.process("hears"), twin.process("ends")
    _hears_of(hears, ends, twin)


def _whole_or_absent(deed: Deed, before: dict[str, Any], facts: dict[str, Any]) -> None:
    moved = [one for one in deed.together if facts.get(one) != before.get(one)]
    if {"live", "renewable"} & set(moved) or {"disabled", "new password", "exists"} & set(moved):
        for one in ("live", "renewable"):
            assert one not in deed.together or one in moved, "half of it was kept"
        for one in ("disabled", "new password", "exists"):
            assert one not in deed.together or one in moved, "half of it was kept"


def _hears_of(hears: BlockingLimen, ends: BlockingLimen, people: People) -> None:
    signed = ends.sign_in("bob@example.org", "correct horse battery")
    assert not isinstance(signed, Refused)
    text = signed.issued.access.reveal()
    assert not isinstance(hears.authenticate(text), Refused)
    ends.revoke(Target.session(signed.issued.principal.session_id))
    people.clock.advance(2_000)
    assert isinstance(hears.authenticate(text), Refused)


@pytest.mark.parametrize(("effect", "place"), CELLS, ids=IDS)
def test_a_write_is_one_transaction(
    effect: type, place: str, store: Callable[[], BlockingSqlStore], cases: dict[type, Case]
) -> None:
    """So there is no place within it at which a process could be killed and leave a half."""
    del place  # it chose the database
    strategy, deed, number = cases[effect]
    people = People(strategy, store())
    deed.before(people)
    made = store()
    faulty = BlockingFaultyStore(made)
    limen = people.process("doer", faulty)
    faulty.heal()
    commits: list[int] = []
    event.listen(made._engine, "commit", lambda _: commits.append(len(faulty.asked) - 1))
    drive_blocking(deed.act(limen.assembly.operations, people), limen, None)
    assert commits.count(number) == 1


def test_every_effect_that_writes_has_a_case(cases: dict[type, Case]) -> None:
    """A new one needs an operation among the deeds, or a line in `ALONE`."""
    assert [one.__name__ for one in WRITES if one not in cases] == []

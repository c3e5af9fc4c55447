"""Two processes do two things at once, in every order of their questions to the store.

Whatever the order, the end is that of one after the other, and whoever was told that something
has ended finds it ended from that moment on.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, permutations
from types import NoneType
from typing import Any

import pytest
from deeds import DEEDS, due
from limens import STRATEGIES
from people import Files, Memory, People

from limen import Authenticated, Issued, Refused
from limen.effects import (
    AppendAudit,
    Draw,
    Effect,
    FindAccount,
    FindRevocation,
    ForgetCounts,
    Increment,
    ListSessions,
    Purge,
    ReadCounts,
    ReadLog,
    Remember,
    ask,
)
from limen.testing.interleaving import Actor, Run, both_read, every_order

EVERYTHING = {"phone", "laptop"}
# What each of them ends, once it has said so.
ENDS: dict[str, set[str]] = {
    "revoke one": {"phone"},
    "sign_out": {"phone"},
    "reauthenticate": {"phone"},
    "revoke user": EVERYTHING,
    "revoke everybody": EVERYTHING | {"bob"},
    "change_password": EVERYTHING,
    "disable": EVERYTHING,
    "delete_account": EVERYTHING,
}
NAMES = (*ENDS, "sign_in", "refresh", "reissue", "authenticate", "service_token", "exchange")
# Both orders of a pair are among its own, since either may go first.
PAIRS = list(combinations_with_replacement(NAMES, 2))
CELLS = [
    *((*pair, strategy, "memory") for pair in PAIRS for strategy in ("session", "hybrid")),
    *((*pair, "jwt", "memory") for pair in PAIRS[::3]),  # whose questions are those of `hybrid`
    *((*pair, STRATEGIES[number % 3], "sqlite") for number, pair in enumerate(PAIRS[::4])),
]
pytestmark = pytest.mark.proves("attack:78", "attack:79", "attack:80", "attack:81", "attack:82")


def issued_by(value: Any) -> Issued | None:
    """Return the credential in what an operation gave."""
    found = value if isinstance(value, Issued) else getattr(value, "issued", None)
    return found if isinstance(found, Issued) else None


def outcome(people: People, actors: tuple[Actor, Actor]) -> tuple[Any, ...]:
    """Return who got what, and all that is left in the store."""
    people.held = dict(people.held)
    for name, actor in zip(("first", "second"), actors, strict=True):
        assert actor.fault is None, actor.fault
        issued = issued_by(actor.value)
        if issued is not None:
            people.held[name] = issued
    facts = people.facts
    people.check(facts)
    if people.strategy == "jwt":
        del facts["accepted"]  # until a token expires, whatever happens
    rows = {
        one
        for who in (people.ada, people.bob)
        for one in people.store.perform(ListSessions(who.id, people.clock.now()))
    }
    log = Counter((one.kind, one.subject) for one in people.store.perform(ReadLog(0)))
    granted = tuple(not isinstance(one.value, Refused) for one in actors)
    return granted, facts, rows, log


def honest(strategy: str) -> Any:
    """Return what holds up, after each step, that what ended is refused from then on."""

    def look(scene: tuple[People, tuple[str, str]], actors: tuple[Actor, Actor]) -> None:
        people, names = scene
        gone = {
            held
            for name, actor in zip(names, actors, strict=True)
            if actor.ended and not isinstance(actor.value, Refused | NoneType)
            for held in ENDS.get(name, ())
        }
        for name in gone:
            who = people.held[name].principal
            answer = people.limen.recall(people.renewing(name))
            assert not isinstance(answer, Authenticated), f"{name} renews after its end"
            if strategy == "hybrid":
                question = FindRevocation(who.session_id, who.subject, who.key_id, who.issued_at)
                assert people.store.perform(question), f"{name} is not in the log"

    return look


@pytest.mark.parametrize(("one", "other", "strategy", "store"), CELLS)
def test_every_order_ends_as_one_after_the_other(
    one: str, other: str, strategy: str, store: str, cast: Any
) -> None:
    stores, people = cast(strategy, store)

    def scene() -> tuple[tuple[People, tuple[str, str]], Actor, Actor]:
        twin = people.over(stores.copied(people.store))
        actors = [
            Actor(DEEDS[name].act(limen.assembly.operations, twin), limen.answer)
            for name, limen in ((one, twin.process("first")), (other, twin.process("second")))
        ]
        return (twin, (one, other)), actors[0], actors[1]

    serial = []
    for order in ((0, 1), (1, 0)):
        # Each is begun when the other is over: what it reads first is what was left.
        twin = people.over(stores.copied(people.store))
        processes = twin.process("first"), twin.process("second")
        actors: dict[int, Actor] = {}
        for number in order:
            limen, name = processes[number], (one, other)[number]
            flow = DEEDS[name].act(limen.assembly.operations, twin)
            actors[number] = Actor(flow, limen.answer)
            actors[number].finish()
        serial.append(outcome(twin, (actors[0], actors[1])))
    for run in every_order(scene, after_step=honest(strategy), commute=commute):
        assert outcome(run.scene[0], run.actors) in serial, said(run)


# Counters and the audit log decide nothing here, and a process remembers for itself alone.
COUNTERS = (Increment, Draw, ReadCounts, ForgetCounts)
APART = (AppendAudit, Remember)


def commute(one: Effect[Any], other: Effect[Any]) -> bool:
    """Tell whether two questions have nothing to do with each other."""
    counts = isinstance(one, COUNTERS) is not isinstance(other, COUNTERS)
    return counts or both_read(one, other) or isinstance(one, APART) or isinstance(other, APART)


def said(run: Run[Any]) -> str:
    """Return the order of a run, for whoever has to understand it."""
    asked = [iter(one.asked) for one in run.actors]
    return " ".join(f"{who}:{type(next(asked[who])).__name__}" for who in run.schedule)


def test_an_order_that_is_none_is_told_apart() -> None:
    """Two that read, and then write what they read plus one: the walk finds the lost one."""
    runs = list(every_order(counting, commute=lambda *_: False))
    assert sorted(run.schedule for run in runs) == sorted(set(permutations((0, 0, 1, 1))))
    assert {run.scene[0] for run in runs} == {1, 2}
    fewer = list(every_order(counting))  # of two that read, either may be the first
    assert len(fewer) < len(runs)
    assert {run.scene[0] for run in fewer} == {1, 2}


def counting() -> tuple[list[int], Actor, Actor]:
    """Return a number, and two that count it up without care."""
    number = [0]

    def flow() -> Any:
        seen = yield from ask(FindAccount(id=""))
        yield from ask(Purge(seen + 1))

    def answer(effect: Any) -> int:
        if isinstance(effect, Purge):
            number[0] = effect.now
        return number[0]

    return number, Actor(flow(), answer), Actor(flow(), answer)


@pytest.fixture(scope="module")
def cast(migrated: Any) -> Any:
    """Give the people of a strategy over a store; they are copied for each run."""
    made: dict[tuple[str, str], Any] = {}

    def give(strategy: str, store: str) -> Any:
        if (strategy, store) not in made:
            stores = Memory() if store == "memory" else Files(migrated)
            people = People(strategy, stores.empty())
            due(people)
            DEEDS["exchange"].before(people)
            made[strategy, store] = stores, people
        return made[strategy, store]

    return give

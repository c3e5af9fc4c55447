"""The store fails at each question of each operation, before it did it or after.

What comes of it is an error or the whole operation: nobody is let in who should not be, and
nothing is left half done. Tried again, the operation does what it would have done at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deeds
import pytest
from deeds import DEEDS, Deed, names
from limens import STRATEGIES
from people import Files, Memory, People

from limen import BlockingLimen, Refused
from limen.driver import drive_blocking
from limen.errors import StoreUnavailable
from limen.testing.faulty import BlockingFaultyStore, Failure

# In memory under every strategy; in a file, where a question costs more, under one in turn.
CELLS = [
    *((name, strategy, "memory") for name in DEEDS for strategy in STRATEGIES),
    *((name, STRATEGIES[number % 3], "sqlite") for number, name in enumerate(DEEDS)),
]
pytestmark = pytest.mark.proves(
    "asvs:2.3.3", "asvs:16.5.2", "asvs:16.5.3", "attack:84", "attack:86"
)


def process_of(people: People, faulty: BlockingFaultyStore) -> BlockingLimen:
    """Open the process that does it: it knows the keys, and nothing else."""
    return people.process("doer", faulty)


def do(deed: Deed, limen: BlockingLimen, people: People) -> Any:
    return drive_blocking(deed.act(limen.assembly.operations, people), limen, None)


# A signed token that only its own expiry ends is judged without a question, and so is whether
# a session is fresh that the store has just told of.
UNASKED = {("authenticate", "jwt"), ("require_fresh", "session")}


def shape(value: Any) -> str:
    """Return what sort of answer this is; a refusal by its reason."""
    return f"refused: {value.reason}" if isinstance(value, Refused) else type(value).__name__


@pytest.mark.parametrize(("name", "strategy", "store"), CELLS)
def test_an_operation_fails_wholly_or_not_at_all(
    name: str, strategy: str, store: str, migrated: Path
) -> None:
    deed, stores = DEEDS[name], Memory() if store == "memory" else Files(migrated)
    people = People(strategy, stores.empty())
    deed.before(people)
    before = people.over(stores.copied(people.store)).facts
    twin = people.over(stores.copied(people.store))
    faulty = BlockingFaultyStore(twin.store)
    limen = process_of(twin, faulty)
    faulty.heal()
    whole = shape(do(deed, limen, twin))
    questions, after = list(faulty.asked), twin.facts
    assert questions or (name, strategy) in UNASKED
    for number, failure in ((n, how) for n in range(len(questions)) for how in Failure):
        where = f"{failure} {type(questions[number]).__name__}, question {number}"
        twin = people.over(stores.copied(people.store))
        faulty = BlockingFaultyStore(twin.store)
        limen = process_of(twin, faulty)
        faulty.fail(number, failure)
        try:
            came = shape(do(deed, limen, twin))
        except StoreUnavailable:
            came = "failed"
        assert faulty.has_failed, where
        assert came in ("failed", whole), where
        facts = twin.facts
        twin.check(facts)
        if came == whole:
            assert facts == after, where
            continue
        assert _between(facts, before, after), where
        if deed.together:
            seen = [facts.get(one) for one in deed.together]
            pure = [[state.get(one) for one in deed.together] for state in (before, after)]
            assert seen in pure, f"{where} left it half done"
        faulty.heal()
        done_already = facts == after or failure is Failure.AFTER
        if facts["exists"]:
            deed.again(twin)
        again = shape(do(deed, limen, twin))
        unlike = {"NoneType" if one is None else f"refused: {one}" for one in deed.unlike}
        assert again in {whole} | (unlike if done_already else set()), where
        assert twin.facts == after, where
        twin.check(twin.facts)


ENDINGS = ("revoke one", "revoke user", "revoke everybody", "disable", "delete_account")
ATTEMPTS = {
    "authenticate": lambda ops, p: ops.authenticate(p.access("phone")),
    "recall": lambda ops, p: ops.recall(p.renewing("phone")),
    "refresh": lambda ops, p: ops.refresh(p.renewing("phone")),
    "reissue": lambda ops, p: ops.reissue(p.renewing("phone")),
    "exchange": lambda ops, p: ops.exchange(p.held["phone"].principal, p.renewing("phone")),
    "service_token": lambda ops, p: ops.service_token(p.held["phone"].principal),
    "still_stands": lambda ops, p: ops.still_stands(p.held["phone"].principal),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_fault_lets_in_what_has_ended(ending: str, strategy: str) -> None:
    stores = Memory()
    people = People(strategy, stores.empty())
    do(DEEDS[ending], people.limen, people)
    for name, attempt in ATTEMPTS.items():
        if (name, strategy) == ("authenticate", "jwt"):
            continue  # until it expires, and no store is asked
        number = 0
        while True:
            failed = False
            for failure in Failure:
                twin = people.over(stores.copied(people.store))
                faulty = BlockingFaultyStore(twin.store)
                limen = process_of(twin, faulty)
                faulty.fail(number, failure)
                try:
                    came = limen.run(attempt(limen.assembly.operations, twin))
                except StoreUnavailable:
                    failed = True
                else:
                    assert isinstance(came, Refused), f"{name} with question {number} {failure}"
                failed = failed or faulty.has_failed
            number += 1
            if not failed:
                break


def _between(facts: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether each fact is as it was before or as it is afterwards."""
    return all(value in (before.get(key), after.get(key)) for key, value in facts.items())


def test_every_operation_of_an_application_is_among_them() -> None:
    assert list(names()) == []


def test_an_operation_that_nobody_thought_of_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {name: deed for name, deed in DEEDS.items() if name != "disable"}
    monkeypatch.setattr(deeds, "DEEDS", fewer)
    assert list(names()) == ["disable"]

"""Small Limens for tests: a good secret, and the cheapest password hash there is."""

from typing import Any

from limen import BlockingLimen, Budget
from limen.passwords import CHEAPEST
from limen.stores.memory import BlockingMemoryStore

SECRET = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
NO_BUDGET = Budget("off", 0, 1)
# What every Limen of a test is made with.
QUICK: dict[str, Any] = {"secret": SECRET, "argon2": CHEAPEST, "account_budget": NO_BUDGET}
STRATEGIES = ("session", "jwt", "hybrid")


def blocking(strategy: str = "hybrid", **options: Any) -> BlockingLimen:
    """Return a Limen over a memory store of its own, unless another is given."""
    options.setdefault("store", BlockingMemoryStore())
    return BlockingLimen(strategy, **(QUICK | options))

"""The verbs about counters and about what time has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.stores.redis import scripts
from limen.stores.redis.accounts import finish_abandoned
from limen.stores.redis.steps import Steps, home, run
from limen.throttle import Tally

if TYPE_CHECKING:
    from limen.effects import Increment, Purge

# How many of each kind one script deletes: Redis serves nobody else meanwhile.
_AT_ONCE: Final = 500


def increment(effect: Increment) -> Steps[Tally]:
    """Perform `Increment`."""
    _, count, resets_at = yield from run(scripts.INCREMENT, effect.key, effect.window, effect.now)
    return Tally(int(count), int(resets_at))


def purge(effect: Purge) -> Steps[int]:
    """Perform `Purge`, in parts; first finish what was abandoned."""
    yield from finish_abandoned()
    count, more = 0, True
    while more:
        _, gone, again = yield from run(scripts.PURGE, effect.now, _AT_ONCE)
        count, more = count + int(gone), again == b"1"
    return count + (yield from home(effect))

"""The verbs about counters and about what time has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.stores.redis import scripts
from limen.stores.redis.accounts import finish_abandoned
from limen.stores.redis.steps import Steps, home, run
from limen.throttle import Tally

if TYPE_CHECKING:
    from limen.effects import Draw, ForgetCounts, Increment, Purge, ReadCounts
    from limen.stores.redis.steps import Argument

# How many of each kind one script deletes: Redis serves nobody else meanwhile.
_AT_ONCE: Final = 500


def increment(effect: Increment) -> Steps[Tally]:
    """Perform `Increment`."""
    _, count, resets_at = yield from run(scripts.INCREMENT, effect.key, effect.window, effect.now)
    return Tally(int(count), int(resets_at))


def draw(effect: Draw) -> Steps[tuple[Tally, ...]]:
    """Perform `Draw`."""
    told: list[Argument] = []
    for one in effect.counters:
        told += (one.key, one.window, "" if one.limit is None else one.limit)
    _, *numbers = yield from run(scripts.DRAW, effect.now, len(effect.counters), *told)
    return tuple(_tallies(numbers))


def read_counts(effect: ReadCounts) -> Steps[tuple[Tally | None, ...]]:
    """Perform `ReadCounts`."""
    _, *numbers = yield from run(scripts.READ_COUNTS, effect.now, len(effect.keys), *effect.keys)
    return tuple(tally if tally.count else None for tally in _tallies(numbers))


def forget_counts(effect: ForgetCounts) -> Steps[None]:
    """Perform `ForgetCounts`."""
    yield from run(scripts.FORGET_COUNTS, len(effect.keys), *effect.keys)


def _tallies(numbers: list[bytes]) -> list[Tally]:
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [Tally(int(count), int(resets_at)) for count, resets_at in pairs]


def purge(effect: Purge) -> Steps[int]:
    """Perform `Purge`, in parts; first finish what was abandoned."""
    yield from finish_abandoned()
    count, more = 0, True
    while more:
        _, gone, again = yield from run(scripts.PURGE, effect.now, _AT_ONCE)
        count, more = count + int(gone), again == b"1"
    return count + (yield from home(effect))

"""The verbs that end sessions, and the log.

Whatever ends is first kept at home, because Redis may come back from an older state in which
it has not ended. So an ending has three steps: ask Redis what would end, keep that, end it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.effects import Ended, KeepRevocations, KeptRevocation, Revoke
from limen.revocation import Kind, Revocation, Target
from limen.stores.redis import scripts
from limen.stores.redis.rows import entry_of, text_of
from limen.stores.redis.steps import Argument, Reply, Steps, home, run

if TYPE_CHECKING:
    from limen.effects import FindRevocation, ReadLog


@dataclass(frozen=True, slots=True)
class Ending:
    """What is to end, and from when its entry in the log counts."""

    target: Target
    now: int
    horizon: int

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What the scripts are told of the target."""
        target = self.target
        return (target.kind.value, target.subject, target.owner, target.keep)


@dataclass(frozen=True, slots=True)
class Mark:
    """Says that an account is changing; see `accounts`."""

    subject: str
    token: str
    intent: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How far an ending reaches: the last use of what ends, its last absolute end, its names."""

    latest: int
    furthest: int
    ids: frozenset[str]

    def covers(self, other: Extent) -> bool:
        """Tell whether what was kept of this extent is enough for another one."""
        return (
            self.latest >= other.latest
            and self.furthest >= other.furthest
            and self.ids >= other.ids
        )


NOTHING: Final = Extent(0, 0, frozenset())
_NO_TARGET: Final[tuple[Argument, ...]] = (None, None, None, None)


def revoke(effect: Revoke) -> Steps[Ended]:
    """Perform `Revoke`."""
    ending = Ending(effect.target, effect.now, effect.horizon)
    extent = yield from plan(ending)
    if effect.target.kind is Kind.SESSION and not extent.ids:
        return Ended(0)
    yield from keep(ending, extent)
    return (yield from end(ending, extent))


def plan(ending: Ending | None, mark: Mark | None = None) -> Steps[Extent]:
    """Ask what would end. With a mark, everybody knows from here on that an account changes."""
    marked = (None, None, None) if mark is None else (mark.subject, mark.token, mark.intent)
    arguments = _NO_TARGET if ending is None else ending.arguments
    horizon = 0 if ending is None else ending.horizon
    reply = yield from run(scripts.PLAN, *arguments, *marked, horizon)
    if ending is None or reply[0] == b"none":
        return NOTHING
    spares = ending.target.spares_sessions
    return _extent(max(int(reply[1]), ending.now), *reply[2:], spares=spares)


def extent_of(reply: Reply) -> Extent:
    """Return the extent that a script told: the last use, the last absolute end, the names."""
    latest, furthest, ids = reply
    return _extent(int(latest), furthest, ids, spares=False)


def _extent(latest: int, furthest: bytes, ids: list[bytes], *, spares: bool) -> Extent:
    if spares:
        return Extent(latest, 0, frozenset())
    return Extent(latest, int(furthest), frozenset(map(text_of, ids)))


def keep(ending: Ending, extent: Extent) -> Steps[None]:
    """Keep at home what ends, for as long as a Redis of before could bring it back."""
    target, horizon = ending.target, ending.horizon
    by_name = target.kind is Kind.SESSION or target.keep is not None
    if by_name:
        yield from keep_sessions(extent, horizon)
    else:
        yield from _keep(target.kind, [target.subject], extent, horizon)


def keep_sessions(extent: Extent, horizon: int) -> Steps[None]:
    """Keep at home that these sessions end, each by its own name."""
    yield from _keep(Kind.SESSION, sorted(extent.ids), extent, horizon)


def _keep(kind: Kind, names: list[str], extent: Extent, horizon: int) -> Steps[None]:
    entries = tuple(
        KeptRevocation(
            kind=kind,
            subject=name,
            not_before=extent.latest + 1,
            expires_at=extent.latest + horizon if horizon > 0 else 0,
            sessions_until=extent.furthest,
        )
        for name in names
    )
    if entries and (horizon > 0 or extent.furthest > 0):
        yield from home(KeepRevocations(entries))


def end(ending: Ending | None, kept: Extent, mark: Mark | None = None) -> Steps[Ended]:
    """End it and log it, in one step; lift the mark.

    Sessions may have begun since `kept` was asked for. They end as well, and are kept before
    anybody is told.
    """
    over = (None, None) if mark is None else (mark.subject, mark.token)
    if ending is None:
        yield from run(scripts.END, *_NO_TARGET, False, 0, 0, *over)
        return Ended(0)
    spares = ending.target.spares_sessions
    reply = yield from run(
        scripts.END, *ending.arguments, spares, ending.now, ending.horizon, *over
    )
    _, count, seq, latest, furthest, ids = reply
    actual = _extent(int(latest), furthest, ids, spares=spares)
    if not kept.covers(actual):
        yield from keep(ending, actual)
    return Ended(int(count), int(seq) if seq else None)


def read(effect: ReadLog) -> Steps[tuple[Revocation, ...]]:
    """Perform `ReadLog`."""
    reply = yield from run(scripts.READ_LOG, effect.after, effect.limit)
    return tuple(map(entry_of, reply[1]))


def find(effect: FindRevocation) -> Steps[bool]:
    """Perform `FindRevocation`."""
    reply = yield from run(
        scripts.FIND_REVOCATION,
        effect.session_id,
        effect.subject,
        effect.key_id is not None,
        effect.key_id,
        effect.issued_at,
    )
    return bool(reply[0] == b"refused")

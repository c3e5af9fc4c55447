"""What the replays showed, held against what the strategy promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.lab.scenarios import REPLAY, REPLAY_REFRESH
from limen.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.lab.run import Column
    from limen.trace import TraceEvent


@dataclass(frozen=True, slots=True)
class Replays:
    """What one copy could still do after its sign-in was ended. Times are in seconds.

    `refused_after` is when the first refusal arrived, `None` if none did; then `watched` is
    how long the copy was tried and `accepted_for` how much longer it is valid by the `exp`
    that the server saw, `None` where the credential has none.
    """

    statuses: tuple[int, ...]
    refused_after: float | None
    watched: float
    accepted_for: float | None

    @property
    def accepted(self) -> int:
        """Return how many requests were accepted."""
        return sum(status < 300 for status in self.statuses)  # noqa: PLR2004 - 2xx is success


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one column."""

    column: str
    access: Replays
    refresh: Replays | None
    promised: float

    @property
    def kept(self) -> bool:
        """Whether the longest life of the copy that was seen is within the promise."""
        seen = self.access
        if seen.refused_after is not None:
            # A refusal in answer to the first request is all that could be measured.
            return len(seen.statuses) == 1 or seen.refused_after <= self.promised
        return seen.accepted_for is not None and seen.watched + seen.accepted_for <= self.promised

    @property
    def stops_use(self) -> bool:
        """Whether no copy was accepted any more when this was over (ASVS 5.0, 7.4.1)."""
        copies = [self.access, *([self.refresh] if self.refresh else [])]
        return all(one.refused_after is not None for one in copies)


def finding_of(column: Column) -> Finding:
    """Read the replays of a column from its trace."""
    renewed = column.in_step(REPLAY_REFRESH.name)
    return Finding(
        column.name,
        _replays(column.in_step(REPLAY.name)),
        _replays(renewed) if renewed else None,
        column.guarantees.revocation_window / 1000,
    )


def _replays(events: Sequence[TraceEvent]) -> Replays:
    tries = [one for one in events if one.phase is Phase.REPLAY_BY_THIEF]
    refused = [one for one in tries if not all(check.ok for check in one.checks)]
    return Replays(
        statuses=tuple(int(one.outcome["status"]["v"]) for one in tries),
        refused_after=_since(refused[0]) if refused else None,
        watched=_since(tries[-1]) if tries else 0.0,
        accepted_for=None if refused else _left(events),
    )


def _since(event: TraceEvent) -> float:
    return float(event.outcome["since the end"]["v"])


def _left(events: Sequence[TraceEvent]) -> float | None:
    """Return how long the last accepted token still had, as its `exp` check says."""
    for event in reversed(events):
        for check in event.checks:
            if event.phase is Phase.CREDENTIAL_VALIDATE and check.name == "exp" and check.detail:
                return float(check.detail["v"])
    return None

"""What was measured in this Lab about an option: the risk that is left, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.guarantees import RevocationCheck
from limen.lab.reading.findings import finding_of
from limen.lab.reading.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from limen.lab.decide.promises import Traits
    from limen.lab.decide.rulebook import Evidence
    from limen.lab.measure import Measurement
    from limen.lab.measure.window import Window
    from limen.lab.reading.findings import Replays
    from limen.lab.run import Run


@dataclass(frozen=True, slots=True)
class Kept:
    """The runs and measurements that are kept, newest first."""

    runs: Sequence[Run] = ()
    measurements: Sequence[Measurement] = ()

    def run_behind(self, evidence: Evidence) -> Run | None:
        """Return the newest run of what a piece of evidence names."""
        return next((run for run in self.runs if run.plot.id == evidence.played), None)


@dataclass(frozen=True, slots=True)
class Reported:
    """What was measured, how often and on what, when in milliseconds, and where to see it."""

    text: str
    basis: str
    at: int
    address: str


def promise(option: Traits) -> str:
    """Return how long a stolen copy works after a revocation, as the setting promises it."""
    window = seconds(option.window_ms / 1000)
    if option.check == RevocationCheck.EXPIRY:
        return f"A stolen copy works until it expires, at most {window}, whatever is revoked."
    if not option.window_ms:
        return "After a revocation a stolen copy gets not one request through."
    return f"After a revocation a stolen copy works for at most {window}."


def reported(option: Traits, kept: Kept) -> tuple[Reported, ...]:
    """Return what the newest measurement and the newest run say about an option."""
    return (
        *list(_by_measurements(option, kept.measurements))[:1],
        *list(_by_runs(option, kept.runs))[:1],
    )


def _by_measurements(option: Traits, measurements: Iterable[Measurement]) -> Iterator[Reported]:
    for one in measurements:
        for column in one.columns:
            if column.name == option.name:
                busy = ", busy with other work as well" if one.busy else ""
                yield Reported(
                    _watched(column.revocation),
                    f"{one.sizes.endings} endings, two servers, {one.machine['processor']}{busy}",
                    one.at,
                    f"/measure/{one.id}#window",
                )


def _by_runs(option: Traits, runs: Iterable[Run]) -> Iterator[Reported]:
    for run in runs:
        column = run.column(option.name)
        if run.plot.ending and column is not None:
            seen = finding_of(column).access
            if seen.statuses:
                basis = f"One run, one server, {run.environment.get('machine', 'unknown machine')}"
                yield Reported(_replayed(seen), basis, run.at, f"/runs/{run.id}#findings")


def _watched(window: Window) -> str:
    lives = seconds(window.promised / 1000)
    settings = "" if window.promised == window.by_default else f", with tokens that live {lives}"
    if window.refused_from is None:
        return f"Measured: never refused while it was watched{settings}."
    refused = f"refused at the latest {seconds(window.refused_from / 1000)} after the revocation"
    if window.last_accepted is None:
        return f"Measured: not one request let in, {refused}{settings}."
    let_in = f"let in for {seconds(window.last_accepted / 1000)}"
    return f"Measured: {let_in}, {refused}{settings}."


def _replayed(seen: Replays) -> str:
    if seen.refused_after is not None:
        after = seconds(seen.refused_after)
        return f"Measured: refused on request {len(seen.statuses)}, {after} after the revocation."
    tried = f"{seen.accepted} of {len(seen.statuses)} requests over {seconds(seen.watched)}"
    if seen.accepted_for is None:
        return f"Measured: let in with {tried}."
    return f"Measured: let in with {tried}, and valid for {seconds(seen.accepted_for)} more."

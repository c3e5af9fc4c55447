"""What the runs that are kept say about an option: the risk that is left, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen.guarantees import RevocationCheck
from limen.lab.findings import finding_of
from limen.lab.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.lab.decide.promises import Traits
    from limen.lab.decide.rulebook import Evidence
    from limen.lab.findings import Finding
    from limen.lab.run import Run


@dataclass(frozen=True, slots=True)
class Residual:
    """How long a stolen copy works after a revocation: promised, and as a run has measured it."""

    option: Traits
    run: Run | None
    finding: Finding | None

    @property
    def promise(self) -> str:
        """The promise as a sentence."""
        if not self.option.window_ms:
            return "After a revocation a stolen copy gets not one request through."
        window = seconds(self.option.window_ms / 1000)
        if self.option.check == RevocationCheck.EXPIRY:
            return f"A stolen copy works until it expires, at most {window}, whatever is revoked."
        return f"After a revocation a stolen copy works for at most {window}."

    @property
    def measurement(self) -> str | None:
        """What was measured, as a sentence; `None` without a run."""
        if self.finding is None:
            return None
        seen = self.finding.access
        if seen.refused_after is not None:
            number, after = len(seen.statuses), seconds(seen.refused_after)
            return f"Measured: refused on request {number}, {after} after the revocation."
        tried = f"{seen.accepted} of {len(seen.statuses)} requests over {seconds(seen.watched)}"
        if seen.accepted_for is None:
            return f"Measured: accepted in {tried}."
        return f"Measured: accepted in {tried}, and valid for {seconds(seen.accepted_for)} more."


def residual(option: Traits, runs: Iterable[Run]) -> Residual:
    """Return the risk that is left with an option, from the newest run that measured it."""
    for run in runs:
        column = run.column(option.name)
        if run.plot.ending and column is not None:
            finding = finding_of(column)
            if finding.access.statuses:
                return Residual(option, run, finding)
    return Residual(option, None, None)


def run_behind(evidence: Evidence, runs: Iterable[Run]) -> Run | None:
    """Return the newest run of the scenario that a piece of evidence names."""
    return next((run for run in runs if run.plot.id == evidence.scenario), None)

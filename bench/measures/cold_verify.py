"""CPU time of the first check of a token, for each algorithm, beside libraries and arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.results import Row
from bench.systems import LIMEN

if TYPE_CHECKING:
    from bench.run import Run

MEASURES: Final = ("cold_verify_us",)


def measure(run: Run) -> None:
    """Measure every algorithm; the contenders take turns within one process."""
    with run.guarding(MEASURES, LIMEN):
        found = run.probe("cold_verify", "--verifies", str(run.durations.verifies))
        for algorithm, contenders in found.items():
            shown = (f"{name} {figures['value']}" for name, figures in contenders.items())
            run.say(f"  {algorithm}: {', '.join(shown)} µs")
            for system, figures in contenders.items():
                run.add(
                    Row(
                        measure="cold_verify_us",
                        system=system,
                        framework=None,
                        strategy=algorithm,
                        store=None,
                        unit="µs",
                        **figures,
                    )
                )

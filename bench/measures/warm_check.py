"""CPU time per check of a credential that was seen before, without any HTTP around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.results import Row
from bench.systems import LIMEN, SETTINGS

if TYPE_CHECKING:
    from bench.run import Run

MEASURES: Final = ("warm_check_us",)
# What the two series of a probe are called: the check alone, and with an adapter's work.
DOORS: Final = {"direct": None, "edge": "asgi"}


def measure(run: Run) -> None:
    """Measure every setting of Limen."""
    for name, setting in SETTINGS.items():
        if not run.wants(LIMEN, None, name):
            continue
        with run.guarding(MEASURES, LIMEN, strategy=setting.title, store=setting.store):
            found = run.probe(
                "warm_check",
                *("--setting", name, "--calls", str(run.durations.calls)),
                *("--seconds", str(run.durations.call_seconds)),
                *run.addresses_for(setting.store),
            )
            run.say(f"  {found['direct']['value']} µs, at the edge {found['edge']['value']} µs")
            for series, framework in DOORS.items():
                run.add(
                    Row(
                        measure="warm_check_us",
                        system=LIMEN,
                        framework=framework,
                        strategy=setting.title,
                        store=setting.store,
                        unit="µs",
                        **found[series],
                    )
                )

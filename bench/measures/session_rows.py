"""CPU time per check with 1,000 to ten million sessions in the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.results import Row
from bench.systems import LIMEN, SETTINGS

if TYPE_CHECKING:
    from bench.run import Run

MEASURES: Final = ("check_cost_by_rows",)
STORES: Final = ("postgresql", "sqlite")
CALL_SECONDS: Final = 2.5


def measure(run: Run) -> None:
    """Measure the store check, and `hybrid`, which reads no row at all."""
    sizes = {"sqlite": run.durations.sessions, "postgresql": run.durations.postgresql_sessions}
    for store in STORES:
        if not run.wants(LIMEN, None, f"session-store-{store}"):
            continue
        with run.guarding(MEASURES, LIMEN, store=store):
            found = run.probe(
                "session_rows",
                *("--sizes", *map(str, sizes[store]), "--calls", "20000"),
                *("--seconds", str(min(CALL_SECONDS, run.durations.call_seconds))),
                *run.addresses_for(store),
            )
            for one in found:
                setting, rows = SETTINGS[one.pop("setting")], one.pop("rows")
                run.say(f"  {setting.title}, {rows} rows: {one['value']} µs")
                run.add(
                    Row(
                        measure="check_cost_by_rows",
                        system=LIMEN,
                        framework=None,
                        strategy=setting.title,
                        store=f"{store}, 10^{len(str(rows)) - 1} sessions",
                        unit="µs",
                        **one,
                    )
                )

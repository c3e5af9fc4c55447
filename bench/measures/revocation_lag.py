"""How long other processes accept what was revoked: with all well, and with the store cut off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from bench.results import Row
from bench.run import BOTH_CORES
from bench.systems import LIMEN, SETTINGS, Setting

if TYPE_CHECKING:
    from bench.run import Run

MEASURES: Final = ("revocation_lag_ms",)
CUT_MEASURES: Final = ("revocation_lag_cut_ms",)
# Settings in which a revocation reaches other processes at all, and those whose readers can be
# cut off from what they follow.
CHECKED: Final = [name for name in SETTINGS if not name.startswith("jwt-")]
CUT: Final = [name for name in CHECKED if name in ("hybrid-postgresql", "hybrid-redis")]


def measure(run: Run) -> None:
    """Measure every setting that asks for revocations."""
    for name in CHECKED:
        setting = SETTINGS[name]
        if run.wants(LIMEN, None, name):
            with run.guarding(MEASURES, LIMEN, strategy=setting.title, store=setting.store):
                found = _found(run, name, run.durations.revocations)
                _add(run, MEASURES[0], setting, found)


def measure_cut(run: Run) -> None:
    """Measure the settings over a network, at the same time: they spend theirs waiting."""
    wanted = [name for name in CUT if run.wants(LIMEN, None, name)]
    cuts = run.durations.cuts
    with ThreadPoolExecutor() as pool:
        running = {name: pool.submit(_found, run, name, cuts, "--cut") for name in wanted}
        for name, found in running.items():
            setting = SETTINGS[name]
            with run.guarding(CUT_MEASURES, LIMEN, strategy=setting.title, store=setting.store):
                _add(run, CUT_MEASURES[0], setting, found.result())


def _found(run: Run, name: str, revocations: int, *more: str) -> dict[str, Any]:
    arguments = ["--setting", name, "--revocations", str(revocations), *more]
    arguments += run.addresses_for(SETTINGS[name].store)
    found: dict[str, Any] = run.probe("revocation_lag", *arguments, cores=BOTH_CORES)
    return found


def _add(run: Run, measure: str, setting: Setting, found: dict[str, Any]) -> None:
    run.say(f"  p50 {found['p50']}, p99 {found['p99']}, longest {found['longest']} ms")
    for unit, member in (("ms, p99", "p99"), ("ms, longest", "longest")):
        run.add(
            Row(
                measure=measure,
                system=LIMEN,
                framework=None,
                strategy=setting.title,
                store=setting.store,
                value=found[member],
                unit=unit,
                n=found["n"],
                p50=found["p50"],
                p99=found["p99"],
            )
        )

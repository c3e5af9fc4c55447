"""Requests per second of the open and of the protected route of one server.

The two are measured in turn, so that whatever slows the machine for a while slows both, and
their ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import load
from bench.results import Row
from bench.systems import asking, bare, limen, peers

if TYPE_CHECKING:
    from bench.processes import Server
    from bench.run import Run
    from bench.systems import System, Variant

MEASURES: Final = ("open_rps", "protected_rps", "protected_over_open")
WARM_UP_S: Final = 1


def measure(run: Run) -> None:
    """Measure every system in every variant."""
    for system in (*bare(), *limen(), asking(), *peers()):
        for variant in system.variants:
            if run.wants(system.name, system.framework, variant.name):
                _measure(run, system, variant)


def _measure(run: Run, system: System, variant: Variant) -> None:
    where: dict[str, Any] = {
        "framework": system.framework,
        "strategy": variant.strategy,
        "store": variant.store,
    }
    with run.guarding(MEASURES, system.name, **where), run.serving(system, variant) as server:
        opened, protected = _rounds(run, server)
        rows = {"open_rps": opened, "protected_rps": protected}
        for name, seen in rows.items():
            run.add(
                Row(
                    measure=name,
                    system=system.name,
                    **where,
                    value=round(median(one.rate for one in seen), 1),
                    unit="requests/s",
                    n=sum(one.requests for one in seen),
                    p50=round(median(one.p50_ms for one in seen), 3),
                    p99=round(median(one.p99_ms for one in seen), 3),
                )
            )
        ratios = [p.rate / o.rate for o, p in zip(opened, protected, strict=True)]
        run.say(f"  open {median(one.rate for one in opened):.0f}/s, ratio {median(ratios):.3f}")
        run.add(
            Row(
                measure="protected_over_open",
                system=system.name,
                **where,
                value=round(median(ratios), 4),
                unit="ratio",
                n=len(ratios),
            )
        )


def _rounds(run: Run, server: Server) -> tuple[list[load.Load], list[load.Load]]:
    opened: list[load.Load] = []
    protected: list[load.Load] = []
    seconds = run.durations.seconds
    load.measured(server.port, server.protected, WARM_UP_S)
    for number in range(run.durations.rounds):
        # The first of a round changes, so that neither always comes after a rest.
        order = [(server.open, opened), (server.protected, protected)]
        for request, seen in order if number % 2 == 0 else order[::-1]:
            seen.append(load.measured(server.port, request, seconds))
    return opened, protected

"""What a million live revocations cost a process: memory, and time per check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.results import Row
from bench.systems import LIMEN

if TYPE_CHECKING:
    from bench.run import Run

MEASURES: Final = ("memory_mb_per_million_revocations", "warm_check_us")
KINDS: Final = {"session": "entries about one session", "user": "entries about one account"}


def measure(run: Run) -> None:
    """Measure the two kinds of which there may be many, each in a fresh process."""
    if not run.wants(LIMEN, None, "hybrid-sqlite"):
        return
    number = run.durations.revoked
    if run.asks("memory_mb_per_million_revocations"):
        for kind, title in KINDS.items():
            with run.guarding(MEASURES[:1], LIMEN, strategy=title):
                megabytes = _probe(run, kind)
                run.say(f"  {megabytes} MB")
                run.add(
                    Row(
                        measure=MEASURES[0],
                        system=LIMEN,
                        framework=None,
                        strategy=title,
                        store=None,
                        value=megabytes,
                        unit="MB of resident memory",
                        n=number,
                    )
                )
    if run.asks("warm_check_us"):
        store = f"sqlite, with {_power(number)} live revocations"
        with run.guarding(MEASURES[1:], LIMEN, strategy="hybrid", store=store):
            figures = _probe(run, "check")
            run.say(f"  {figures['value']} µs")
            run.add(
                Row(
                    measure=MEASURES[1],
                    system=LIMEN,
                    framework=None,
                    strategy="hybrid",
                    store=store,
                    unit="µs",
                    **figures,
                )
            )


def _probe(run: Run, what: str) -> Any:
    arguments = ("--what", what, "--number", str(run.durations.revoked))
    return run.probe("memory", *arguments, "--calls", str(run.durations.calls))


def _power(number: int) -> str:
    digits = str(number)
    return f"10^{len(digits) - 1}" if digits.strip("0") == "1" else digits

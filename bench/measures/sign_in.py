"""Sign-ins per second over HTTP: with a password, and of somebody whom the application knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench import load
from bench.load import Request
from bench.results import Row
from bench.systems import LIMEN, limen, peers

if TYPE_CHECKING:
    from bench.processes import Server
    from bench.run import Run
    from bench.systems import System, Variant

MEASURES: Final = ("sign_in_per_s",)
CLIENTS: Final = 8
# Of Limen's settings: the hash costs the same everywhere, so these show the stores.
SETTINGS: Final = ("hybrid-sqlite", "hybrid-postgresql", "hybrid-redis", "session-store-sqlite")
SETTINGS_WITHOUT_PASSWORDS: Final = ("jwt-none",)
# By the member of what a server says of itself: what the row says besides the strategy.
DOORS: Final = {"sign_in": "Argon2id (OWASP)", "remember": "remember(), no hash"}


def measure(run: Run) -> None:
    """Measure some settings of Limen on FastAPI, and every peer."""
    fastapi = limen()[0]
    for variant in fastapi.variants:
        name = variant.name.rpartition("/")[2]
        if name in (*SETTINGS, *SETTINGS_WITHOUT_PASSWORDS):
            _measure(run, fastapi, variant)
    for peer in peers():
        for variant in peer.variants:
            _measure(run, peer, variant)


def _measure(run: Run, system: System, variant: Variant) -> None:
    if not system.signs_in or not run.wants(system.name, system.framework, variant.name):
        return
    where = {"framework": system.framework, "strategy": variant.strategy, "store": variant.store}
    with run.guarding(MEASURES, system.name, **where), run.serving(system, variant) as server:
        for door, title in DOORS.items():
            if server.said.get(door):
                row = _rate(run, server, server.said[door])
                words = [variant.strategy or "", title if system.name == LIMEN else "its own hash"]
                run.say(f"  {words[1]}: {row['value']}/s")
                run.add(
                    Row(
                        measure="sign_in_per_s",
                        system=system.name,
                        framework=system.framework,
                        strategy="; ".join(filter(None, words)),
                        store=variant.store,
                        unit="sign-ins/s",
                        **row,
                    )
                )


def _rate(run: Run, server: Server, described: dict[str, Any]) -> dict[str, Any]:
    request, seconds = Request.of(described), run.durations.sign_in_seconds
    seen = load.measured(server.port, request, seconds, connections=CLIENTS)
    return {
        "value": round(seen.rate, 1),
        "n": seen.requests,
        "p50": round(seen.p50_ms, 2),
        "p99": round(seen.p99_ms, 2),
    }

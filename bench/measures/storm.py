"""What a storm of sign-ins does to everybody else: p99 of the open route, by p99 without it.

The server may use both cores. The open route is asked by 16 connections that rest 20 ms
before each request, so that it is the wait that is measured and not the throughput; eight
others sign in and begin again at once. Nothing is pinned: on two cores, the server, its
hashing, both loads and the database share what there is.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from bench.load import Load, LoadFailed, Request, Wrk
from bench.results import Row
from bench.run import BOTH_CORES
from bench.systems import limen, peers

if TYPE_CHECKING:
    from bench.processes import Server
    from bench.run import Run
    from bench.systems import System, Variant

MEASURES: Final = ("storm_open_p99_over_idle",)
CLIENTS: Final = 8
PAUSE_MS: Final = 20
SETTINGS: Final = ("hybrid-sqlite", "session-store-sqlite")


def measure(run: Run) -> None:
    """Measure Limen on FastAPI, and the first variant of every peer that has a sign-in."""
    fastapi = limen()[0]
    for variant in fastapi.variants:
        if variant.name.rpartition("/")[2] in SETTINGS:
            _measure(run, fastapi, variant)
    for peer in peers():
        _measure(run, peer, peer.variants[0])


def _measure(run: Run, system: System, variant: Variant) -> None:
    if not system.signs_in or not run.wants(system.name, system.framework, variant.name):
        return
    where = {"framework": system.framework, "strategy": variant.strategy, "store": variant.store}
    with (
        run.guarding(MEASURES, system.name, **where),
        run.serving(system, variant, cores=BOTH_CORES) as server,
    ):
        idle, stormy = _rounds(run, server)
        ratio = median(s.p99_ms / i.p99_ms for i, s in zip(idle, stormy, strict=True))
        p99 = median(one.p99_ms for one in stormy)
        run.say(f"  {ratio:.2f} x idle, p99 {p99:.2f} ms")
        run.add(
            Row(
                measure="storm_open_p99_over_idle",
                system=system.name,
                **where,
                value=round(ratio, 3),
                unit="ratio; p50 and p99 in ms, during the storm",
                n=sum(one.requests for one in stormy),
                p50=round(median(one.p50_ms for one in stormy), 3),
                p99=round(p99, 3),
            )
        )


def _rounds(run: Run, server: Server) -> tuple[list[Load], list[Load]]:
    idle, stormy = [], []
    seconds = run.durations.storm_seconds
    for _ in range(run.durations.storm_rounds):
        idle.append(_calm(server, seconds).result())
        # The storm begins before and ends after what is measured.
        signing_in = Wrk(
            server.port,
            Request.of(server.said["sign_in"]),
            seconds + 1,
            cores=BOTH_CORES,
            connections=CLIENTS,
        )
        try:
            stormy.append(_calm(server, seconds).result())
            # To be told to come again later is an answer: the bound of the queue is at work.
            storm = signing_in.result(may_refuse=True)
        finally:
            signing_in.stop()
        if storm.refused == storm.requests:
            raise LoadFailed("every sign-in of the storm was refused")
    return idle, stormy


def _calm(server: Server, seconds: int) -> Wrk:
    return Wrk(server.port, server.open, seconds, cores=BOTH_CORES, pause_ms=PAUSE_MS)

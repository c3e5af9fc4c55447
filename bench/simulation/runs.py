"""Which runs there are, and what they are meant to show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bench.simulation import costs, sizing
from bench.simulation.costs import Facts
from bench.simulation.load import USERS, peak_per_s
from bench.simulation.parameters import INTERVAL_MS, Host, Network, Setup, Trouble

NODES = (1, 10, 100, 1_000, 10_000)
ONE_WAY_MS = (0.25, 1.0, 10.0, 40.0, 75.0, 140.0)
PER_S = peak_per_s(10**7)[1]  # ten million users in their busiest hour
OFTEN = 100  # nodes in the tables about trouble and distance
POLLED = f"polled every {INTERVAL_MS} ms"
NODES_OF_A_BROKER = 100


@dataclass(frozen=True, slots=True)
class Run:
    """One row of one table."""

    table: str
    name: str
    setup: Setup


def small(facts: Facts) -> Iterator[Run]:
    """Yield short runs in which every kind of break is seen."""
    setup = Setup(50, 200, costs.postgresql(facts), seconds=10, warm_up_s=1)
    cut = Trouble(cut_every_s=6, cut_median_s=3)
    yield Run("small", "a bell, all is well", replace(setup, nodes=20, per_s=20))
    yield Run("small", "a bell, and cut links", replace(setup, trouble=cut))
    yield Run("small", "polling and cut links", replace(setup, feed="poll", trouble=cut))
    away = Trouble(partition=(3, 6), partition_share=0.25)
    relays = replace(setup, feed="relay", relays=4, relay_costs=costs.broker(facts), trouble=away)
    yield Run("small", "a relay is cut off", relays)


def every(facts: Facts) -> Iterator[Run]:
    """Yield every run of the document."""
    yield from answer(facts)
    yield from real(facts)
    yield from healthy(facts)
    yield from distance(facts)
    yield from trouble(facts)
    yield from brokers(facts)


def cell_of(facts: Facts, users: int) -> tuple[int, int, float]:
    """Return into how many cells a service is divided, and the nodes and entries/s of one."""
    nodes, rate = users // sizing.USERS_OF_A_NODE, peak_per_s(users)[1]
    parts = sizing.cells(sizing.ways(facts)[0], nodes, rate)
    return parts, math.ceil(nodes / parts), rate / parts


def answer(facts: Facts) -> Iterator[Run]:
    """Yield one cell of services of several sizes, on PostgreSQL with its bell."""
    for users in USERS:
        _, nodes, rate = cell_of(facts, users)
        seconds = min(120.0, max(10.0, 20_000 / nodes / rate))
        yield Run(
            "answer", str(users), Setup(nodes, rate, costs.postgresql(facts), seconds=seconds)
        )


def real(facts: Facts) -> Iterator[Run]:
    """Yield what the model says of the fleets that were measured, on this machine's two cores.

    The feeds of a fleet share one process, so one waits for half of the others on average. The
    time of a single look, taken while nothing else happened, says how long the way was.
    """
    for case in facts["fleets"]:
        held = costs.postgresql(facts) if case["store"] == "postgresql" else costs.redis(facts)
        of_look = held.look_us + held.node_look_us
        way = max(0.01, (case["look_ms"] - of_look / 1000) / 2 / held.trips)
        waits = (case["feeds"] - 1) / 2 * held.node_look_us / 1000
        setup = Setup(
            case["feeds"],
            case["entries"] / case["seconds"],
            replace(held, cores=1, usable=1.0, append_ms=held.append_us / 1000),
            feed="bell" if case["rings"] else "poll",
            seconds=200,
            network=Network(way, sigma=0.1, packet_loss=0.0),
            host=Host(loop_median_ms=waits, loop_sigma=0.5, stall_every_s=0.0),
        )
        yield Run("real", case["store"], setup)


def healthy(facts: Facts) -> Iterator[Run]:
    """Yield how Δ grows with the number of nodes."""
    database, memory = costs.postgresql(facts), costs.redis(facts)
    for nodes in NODES:
        seconds = {1: 120.0, 10: 60.0, 100: 20.0, 1_000: 8.0, 10_000: 5.0}[nodes]
        setup = Setup(nodes, PER_S, database, seconds=seconds, warm_up_s=2.0)
        yield Run("nodes", f"PostgreSQL, {POLLED}", replace(setup, feed="poll"))
        if nodes < NODES[-1]:
            yield Run("nodes", "PostgreSQL, its bell", setup)
            yield Run("nodes", "Redis, its bell", replace(setup, costs=memory))


def distance(facts: Facts) -> Iterator[Run]:
    """Yield what the way to the log costs."""
    for one_way in ONE_WAY_MS:
        network = Network(one_way, sigma=0.5 if one_way < 1 else 0.1)
        for name, held in (("PostgreSQL", costs.postgresql(facts)), ("Redis", costs.redis(facts))):
            setup = Setup(OFTEN, PER_S, held, seconds=15, network=network)
            yield Run("distance", name, setup)


def trouble(facts: Facts) -> Iterator[Run]:
    """Yield what each fault does by itself."""
    well = Setup(OFTEN, PER_S, costs.postgresql(facts), seconds=45)

    def run(name: str, **changes: Any) -> Run:
        return Run("trouble", name, replace(well, **changes))

    yield run("none")
    yield run("1 % of packets lost", network=Network(packet_loss=0.01))
    yield run("10 % of bells lost", network=Network(bell_loss=0.1))
    yield run("every bell lost: heartbeats only", network=Network(bell_loss=1.0))
    yield run(
        "stalls of 300 ms (median) every 10 s", host=Host(stall_every_s=10, stall_median_ms=300)
    )
    yield run("each link silent every 10 min for 1 s (median)", trouble=Trouble(cut_every_s=600))
    yield run(
        "each link silent every 30 s for 3 s (median)",
        trouble=Trouble(cut_every_s=30, cut_median_s=3),
    )
    yield run(
        "30 % of nodes cut off from everything for 15 s",
        trouble=Trouble(partition=(15, 15), partition_share=0.3),
    )
    yield run(
        "all feeds cut off for 15 s, the store still answers reads",
        trouble=Trouble(feeds_cut=(15, 15)),
    )
    yield run("the store is gone for 15 s", trouble=Trouble(outage=(15, 15)))


def brokers(facts: Facts) -> Iterator[Run]:
    """Yield one undivided log behind brokers, for services of 10**8 and 10**9 users."""
    held = replace(costs.broker(facts), append_ms=0.02)
    for users in (10**8, 10**9):
        nodes = users // sizing.USERS_OF_A_NODE
        setup = Setup(
            nodes,
            peak_per_s(users)[1],
            held,
            feed="relay",
            relays=nodes // NODES_OF_A_BROKER,
            relay_costs=held,
            seconds={1_000: 8.0, 10_000: 4.0}[nodes],
            warm_up_s=1.0,
        )
        yield Run("brokers", str(users), setup)

"""The tables of what was simulated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.simulation import fact_tables, runs, sizing
from bench.simulation.costs import Facts
from bench.simulation.load import ENTRY_LIVES_S, peak_per_s
from bench.simulation.markdown import Cells, ms, number, power, share, span, table
from bench.simulation.nodes import Outcome
from bench.simulation.parameters import MAX_LAG_MS, Setup

MEGA = 10**6
FULL = 1.0
DELTA_HEAD = ("Δ p50 ms", "p99", "p99.9")
KM_OF_FIBRE = 200  # that light travels in a millisecond


@dataclass(frozen=True, slots=True)
class Ran:
    """One run with its outcome."""

    table: str
    name: str
    setup: Setup
    outcome: Outcome


def every(ran: Sequence[Ran], facts: Facts, seed: int) -> dict[str, str]:
    """Return every table of the document by its name."""

    def of(name: str) -> list[Ran]:
        return [one for one in ran if one.table == name]

    return {
        "answer": answer(of("answer"), facts),
        "summary": summary(ran),
        "parameters": fact_tables.parameters(seed),
        "rates": fact_tables.rates(),
        "sizes": fact_tables.sizes(facts),
        "memory": fact_tables.memory(facts),
        "stores": fact_tables.stores(facts),
        "real": real(of("real"), facts),
        "nodes": by_nodes(of("nodes")),
        "distance": by_distance(of("distance")),
        "trouble": under_trouble(of("trouble")),
        "stops": fact_tables.stops(facts),
        "appended": fact_tables.appended(facts),
        "parts": fact_tables.parts(facts),
        "brokers": brokers(of("brokers"), facts),
    }


def summary(ran: Sequence[Ran]) -> str:
    """Say whether the bound held."""
    pairs = sum(one.outcome.delta.samples for one in ran)
    greatest = max(one.outcome.delta.greatest for one in ran)
    return (
        f"{len(ran)} runs, {pairs:,} sampled pairs of an entry and a node. In every run Δ ≤ "
        f"`max_lag` ({MAX_LAG_MS:,} ms) held for every pair; the greatest was {greatest:,.1f} ms.\n"
    )


def delta(outcome: Outcome) -> tuple[str, ...]:
    """Return Δ as three columns of a table."""
    found = outcome.delta
    return ms(found.p50), ms(found.p99), ms(found.p999)


def answer(ran: Iterable[Ran], facts: Facts) -> str:
    """Say what to do for services of several sizes."""
    octets = facts["view"]["bytes"]["session 1000000"]["churned"]
    rows = []
    for one in ran:
        users, found = int(one.name), one.outcome
        low, middle, high = peak_per_s(users)
        parts, nodes, rate = runs.cell_of(facts, users)
        bits = sizing.node_bits(facts, "postgresql", rate, found.node_looks_per_s, rings=True)
        held = one.setup.costs
        cores = found.source_load * held.capacity + rate * held.append_us / MEGA
        divided = "one log" if parts == 1 else f"{parts} cells of {nodes} nodes, a log for each"
        rows.append(
            (
                *(power(users), f"{users // sizing.USERS_OF_A_NODE:,}"),
                f"{number(middle)} ({span(low, high)})",
                f"PostgreSQL, its bell: {divided}",
                *delta(found),
                number(bits / 1000),
                number(rate * ENTRY_LIVES_S * octets / MEGA),
                share(found.node_cpu),
                number(cores),
            )
        )
    head = (
        *("users", "nodes", "revocations/s, busiest hour (low to high)", "feed of today"),
        *DELTA_HEAD,
        *("a node receives, kbit/s", "holds, MB", "spends, of a core", "cores of each PostgreSQL"),
    )
    return table(head, rows)


def real(ran: Iterable[Ran], facts: Facts) -> str:
    """Hold the model against what was measured: the measured figure, then the model's."""
    rows = []
    for case, one in zip(facts["fleets"], ran, strict=True):
        found, rings = one.outcome, case["rings"]
        store = case["store"]
        bits = sizing.node_bits(facts, store, one.setup.per_s, found.node_looks_per_s, rings=rings)
        cpu = found.source_load + one.setup.per_s * one.setup.costs.append_us / MEGA
        name = "PostgreSQL" if store == "postgresql" else "Redis"
        rows.append(
            (
                f"{name}, {'its bell' if rings else runs.POLLED}",
                case["feeds"],
                f"{case['delay_ms']:g}",
                f"{case['look_ms']:.1f}",
                f"{ms(case['p50_ms'])} / {ms(found.delta.p50)}",
                f"{ms(case['p99_ms'])} / {ms(found.delta.p99)}",
                f"{case['looks_per_s']:.1f} / {found.node_looks_per_s:.1f}",
                f"{number(case['kbit_per_s'])} / {number(bits / 1000)}",
                f"{share(case['server_cpu'])} / {share(cpu)}",
                f"{case['n']:,}",
            )
        )
    head = (
        *("feed", "feeds", "way made longer by, ms", "one look, ms", "Δ p50 ms, measured / model"),
        *("Δ p99 ms", "looks/s of a feed", "kbit/s of a feed", "CPU of the server, of a core", "n"),
    )
    return table(head, rows)


def by_nodes(ran: Iterable[Ran]) -> str:
    """Say how Δ grows with the number of nodes."""
    rows = [
        (
            f"{one.setup.nodes:,}",
            one.name,
            *delta(one.outcome),
            ms(one.outcome.delta.greatest),
            number(one.outcome.looks_per_s),
            load_of(one),
            share(one.outcome.node_cpu),
        )
        for one in sorted(ran, key=lambda one: (one.setup.nodes, one.name))
    ]
    head = ("nodes", "feed", *DELTA_HEAD, "max", "looks/s", "load of the store", "CPU of a node")
    return table(head, rows)


def load_of(one: Ran) -> str:
    """Write how busy the busiest source is, and say so if it has nothing to spare."""
    used = one.outcome.source_load
    return "**over 100 %**" if used >= FULL else share(used)


def by_distance(ran: Iterable[Ran]) -> str:
    """Say what the way to the log costs."""
    rows: dict[float, list[object]] = {}
    for one in ran:
        way = one.setup.network.median_ms
        row = rows.setdefault(way, [f"{way:g}", f"{way * KM_OF_FIBRE:,.0f}"])
        row.extend((*delta(one.outcome), share(one.outcome.fall_back)))
    what = (*DELTA_HEAD, "time in fall-back")
    stores = (f"{name} {one}" for name in ("PostgreSQL", "Redis") for one in what)
    return table(("one way, ms", "km of fibre", *stores), rows.values())


def under_trouble(ran: Iterable[Ran]) -> str:
    """Say what each fault does."""
    rows = [
        (
            one.name,
            *delta(one.outcome),
            ms(one.outcome.delta.greatest),
            share(one.outcome.fall_back),
            f"{one.outcome.most_in_fall_back:,}",
            number(one.outcome.fall_back_reads_per_s),
            number(one.outcome.refusals_per_s),
        )
        for one in ran
    ]
    head: Cells = (
        *("fault", *DELTA_HEAD, "max", "time in fall-back", "most nodes in it"),
        *("store reads/s", "503/s"),
    )
    return table(head, rows)


def brokers(ran: Iterable[Ran], facts: Facts) -> str:
    """Say how one log behind brokers fares."""
    rows = []
    for one in ran:
        found, setup = one.outcome, one.setup
        bits = sizing.node_bits(facts, "redis", setup.per_s, found.node_looks_per_s, rings=False)
        rows.append(
            (
                *(power(int(one.name)), f"{setup.nodes:,}", f"{setup.relays:,}"),
                *(number(setup.per_s), *delta(found), ms(found.delta.greatest), load_of(one)),
                number(bits / MEGA),
                number(bits * setup.nodes / setup.relays / MEGA),
                share(found.node_cpu),
            )
        )
    head = (
        *("users", "nodes", "brokers", "entries/s", *DELTA_HEAD, "max", "load of a broker"),
        *("to a node, Mbit/s", "out of a broker, Mbit/s", "CPU of a node"),
    )
    return table(head, rows)

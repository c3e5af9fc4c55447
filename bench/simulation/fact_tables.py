"""The tables of what is assumed, measured or follows by arithmetic: no simulation in them."""

from __future__ import annotations

from bench.simulation import costs, load, runs, sizing
from bench.simulation.costs import Facts
from bench.simulation.markdown import Cells, number, power, share, span, table
from bench.simulation.parameters import (
    HEARTBEAT_MS,
    INTERVAL_MS,
    MAX_LAG_MS,
    RETRANSMIT_MS,
    TIMEOUT_MS,
    Host,
    Network,
)

MEGA = 10**6
ROUND_TRIPS_MS = (0.0, 0.2, 0.5, 1.0, 2.0)


def parameters(seed: int) -> str:
    """Name what all runs share."""
    network, host = Network(), Host()
    from_code: list[Cells] = [
        ("`max_lag`", f"{MAX_LAG_MS} ms", "default of the setting"),
        ("heartbeat of a feed with a bell", f"{HEARTBEAT_MS:g} ms", "`max_lag` / `HEARTBEATS`"),
        ("interval of a feed without one", f"{INTERVAL_MS} ms", "default of `feed_interval`"),
        ("a look gives up after", f"{TIMEOUT_MS:,.0f} ms", "`TIMEOUT_MS` of the stores"),
        (
            "life of an entry",
            f"{load.ENTRY_LIVES_S:g} s",
            "default `access_lifetime`, and leeway for clocks",
        ),
    ]
    assumed: list[Cells] = [
        (
            "one way between node and store",
            f"{network.median_ms:g} ms",
            f"log-normal, sigma {network.sigma:g}",
        ),
        (
            "packets lost",
            f"{network.packet_loss:.2%}",
            f"sent again after {RETRANSMIT_MS:g} ms, then twice that",
        ),
        (
            "a turn of the node's event loop",
            f"{host.loop_median_ms:g} ms",
            f"log-normal, sigma {host.loop_sigma:g}",
        ),
        (
            "a node stands still",
            f"{host.stall_median_ms:g} ms",
            f"every {host.stall_every_s:g} s on average; sigma {host.stall_sigma:g}",
        ),
        ("checks on a node", f"{host.checks_per_s:g} a second", "what falls back on the store"),
        (
            "cores for the log",
            f"{costs.POSTGRESQL_CORES} of PostgreSQL, 1 of Redis",
            "70 % of each may be used",
        ),
        ("registered users of a node", f"{sizing.USERS_OF_A_NODE:,}", ""),
    ]
    return (
        table(("from the code", "value", "where"), from_code)
        + "\n"
        + table(("assumed", "value", "how"), assumed)
        + f"\nSeed {seed}.\n"
    )


def rates() -> str:
    """Say how many entries a service writes."""
    acts = [
        (a.name, number(a.low), number(a.middle), number(a.high), f"`{a.kind}`") for a in load.ACTS
    ]
    total = ("all", *map(number, load.per_day()), "")
    peak = ("busiest hour ÷ mean", *(f"{one:g}" for one in load.PEAK), "")
    return table(
        ("a registered user, in a day", "low", "middle", "high", "entry"), [*acts, total, peak]
    )


def sizes(facts: Facts) -> str:
    """Say what one undivided log of services of several sizes holds and sends."""
    octets = facts["view"]["bytes"]["session 1000000"]["churned"]
    held = costs.postgresql(facts)
    rows = []
    for users in load.USERS:
        low, middle, high = load.peak_per_s(users)
        live = [one * load.ENTRY_LIVES_S for one in (low, middle, high)]
        bits = sizing.node_bits(facts, "postgresql", middle, 0, rings=False)
        rows.append(
            (
                power(users),
                number(middle),
                span(low, high),
                number(live[1]),
                number(live[1] * octets / MEGA),
                span(live[0] * octets / MEGA, live[2] * octets / MEGA),
                number(bits / 1000),
                number(bits * users / sizing.USERS_OF_A_NODE / MEGA),
                share(middle * held.node_entry_us / MEGA),
            )
        )
    head = (
        "users",
        "entries/s, busiest hour",
        "low to high",
        "live entries",
        "a node's memory, MB",
        "low to high",
        "entries to a node, kbit/s",
        "to all nodes, Mbit/s",
        "a node's CPU for entries",
    )
    return table(head, rows)


def memory(facts: Facts) -> str:
    """Say what the real view holds."""
    found = facts["view"]
    rows = []
    for name, octets in found["bytes"].items():
        kind, size = name.split()
        rows.append((f"`{kind}`", f"{int(size):,}", octets["filled"], octets["churned"]))
    head = ("entries", "n", "octets for each, filled", "the most while all are replaced twice")
    return (
        table(head, rows)
        + f"\nWith a million entries, taking one in costs {found['apply_us']} µs of CPU, a "
        f"question {found['covers_us']} µs and forgetting one {found['purge_us']} µs.\n"
    )


def stores(facts: Facts) -> str:
    """Print what the stores were measured to cost."""
    return f"{_looks(facts)}\n{_appends(facts)}\n{_rungs(facts)}{_measured_on(facts)}"


def _looks(facts: Facts) -> str:
    rows: list[Cells] = []
    for name, found in (("PostgreSQL", facts["postgresql"]), ("Redis", facts["redis"])):
        look, page, find = found["look"], found["page"], found["find"]
        rows.append(
            (
                name,
                look["trips"],
                look["asked"] + look["answered"],
                number((page["answered"] - look["answered"]) / 1000),
                look["server_us"],
                number((page["server_us"] - look["server_us"]) / 1000),
                find["server_us"],
                number(costs.per_listener_us(found["rungs"])),
                look["node_us"],
                number((page["node_us"] - look["node_us"]) / 1000),
            )
        )
    head = (
        "store",
        "round trips of a look",
        "octets of it, nothing new",
        "of each entry",
        "server CPU of a look, µs",
        "of each entry",
        "of a fall-back read",
        "of a bell",
        "node CPU of a look, µs",
        "of each entry",
    )
    return table(head, rows)


def _appends(facts: Facts) -> str:
    database, redis = facts["postgresql"]["appends"], facts["redis"]["appends"]
    rows: list[Cells] = []
    for writers in database:
        cells: list[object] = [writers]
        for one in (database[writers], redis[writers]):
            cells.append(f"{one['per_s']:,}")
            cells.extend(one[key] for key in ("p50_ms", "p99_ms", "server_us"))
        rows.append(cells)
    what = ("/s", "p50 ms", "p99 ms", "server CPU, µs")
    titles = (f"{name} {one}" for name in ("PostgreSQL", "Redis") for one in what)
    return table(("writers", *titles), rows)


def _rungs(facts: Facts) -> str:
    database, redis = facts["postgresql"]["rungs"], facts["redis"]["rungs"]
    keys = ("p50_ms", "p99_ms", "server_us")
    rows = [
        (many, *(of[key] for of in (database[many], redis[many]) for key in keys))
        for many in database
    ]
    what = ("p50 ms", "p99 ms", "server CPU of an append, µs")
    titles = (f"{name} {one}" for name in ("NOTIFY", "XREAD") for one in what)
    return table(("listeners", *titles), rows)


def _measured_on(facts: Facts) -> str:
    where, database, redis = facts["machine"], facts["postgresql"], facts["redis"]
    return (
        f"\nMeasured on {where['processor']}, {where['system']}, Python {where['python']}, "
        f"PostgreSQL {database['version']} (commits wait for the disk; a flush takes "
        f"{database['flush_ms']} ms), Redis {redis['version']} (append-only file, written each "
        f"second), over the loopback; servers and clients share the cores, and the machine had "
        f"other work. n: "
        f"{database['look']['n']:,} looks and reads, {database['page']['n']:,} looks of 1,000 "
        f"entries, {database['appends']['1']['n']:,} appends for each number of writers (the best "
        f"of three rounds), 1,000 bells for each number of listeners.\n"
    )


def stops(facts: Facts) -> str:
    """Say how far one log carries, by the number of nodes."""
    rows = []
    for way in sizing.ways(facts):
        cells: list[object] = [way.name]
        for nodes in runs.NODES[1:]:
            rate, ends = way.stops_at(nodes)
            cells.append(f"{number(rate)} ({ends})" if rate else f"none ({ends})")
        rows.append(cells)
    return table(("entries/s", *(f"{nodes:,} nodes" for nodes in runs.NODES[1:])), rows)


def appended(facts: Facts) -> str:
    """Say how many entries PostgreSQL can append, by the way to it."""
    rows = []
    for way in ROUND_TRIPS_MS:
        most = costs.append_ceiling(facts, way)
        users = sizing.APPENDS * most / load.peak_per_s(MEGA)[1] * MEGA
        rows.append((f"{way:g}", number(1000 / most), number(most), number(users / MEGA)))
    head = ("round trip, ms", "lock held, ms", "entries/s at most", "million users at half of it")
    return table(head, rows)


def parts(facts: Facts) -> str:
    """Say into how many cells a service is divided for each way."""
    rows = []
    for way in sizing.ways(facts):
        cells: list[object] = [way.name]
        for users in load.USERS:
            nodes = users // sizing.USERS_OF_A_NODE
            low, middle, high = (sizing.cells(way, nodes, rate) for rate in load.peak_per_s(users))
            cells.append(f"{middle:,} ({low:,} to {high:,})")
        rows.append(cells)
    sizes_of = (
        f"{power(users)} users, {users // sizing.USERS_OF_A_NODE:,} nodes" for users in load.USERS
    )
    return table(("cells", *sizes_of), rows)

"""What the model takes from measurements (`measured.json`) for each kind of log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.simulation.parameters import Costs, Network

Facts = dict[str, Any]
POSTGRESQL_CORES = 8
BROKER_CORES = 4
# Statements between the lock of the log and its release by the commit (`limen.stores.sql.log`).
HELD_TRIPS = 3


def postgresql(facts: Facts) -> Costs:
    """Return the measured costs of a PostgreSQL with eight cores."""
    found = facts["postgresql"]
    return replace(
        _costs(found, facts["view"], POSTGRESQL_CORES),
        append_ms=1000 / append_ceiling(facts, 2 * Network().median_ms),
    )


def redis(facts: Facts) -> Costs:
    """Return the measured costs of one Redis, which has one core."""
    return replace(_costs(facts["redis"], facts["view"], cores=1), bell_is_asked=True)


def broker(facts: Facts) -> Costs:
    """Return the costs of a broker of four cores. Not measured: taken to be those of Redis."""
    return replace(redis(facts), cores=BROKER_CORES, bell_us=0.0)


def append_ceiling(facts: Facts, round_trip_ms: float) -> float:
    """Return how many entries a second PostgreSQL appends, one after the other.

    What was reached here over a way without length, by the number of writers that did best
    (more cannot help where one waits for the other), and the ways that the lock is held besides.
    """
    held_ms = 1000 / max(one["per_s"] for one in facts["postgresql"]["appends"].values())
    return float(1000 / (held_ms + HELD_TRIPS * round_trip_ms))


def per_listener_us(rungs: Facts) -> float:
    """Return the server CPU of one more listener or reader, from the fewest and the most."""
    few, many = min(rungs, key=int), max(rungs, key=int)
    return float((rungs[many]["server_us"] - rungs[few]["server_us"]) / (int(many) - int(few)))


def _costs(found: Facts, view: Facts, cores: int) -> Costs:
    look, page = found["look"], found["page"]
    append_us = found["appends"]["1"]["server_us"]
    return Costs(
        cores=cores,
        append_ms=append_us / 1000,
        append_us=append_us,
        look_us=look["server_us"],
        entry_us=(page["server_us"] - look["server_us"]) / 1000,
        bell_us=per_listener_us(found["rungs"]),
        find_us=found["find"]["server_us"],
        trips=look["trips"],
        node_look_us=look["node_us"],
        node_entry_us=(page["node_us"] - look["node_us"]) / 1000 + view["apply_us"],
    )

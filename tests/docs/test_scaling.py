"""docs/scaling.md and its simulation: Δ ≤ `max_lag` in every run, and a broken lease is seen."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from limen.clock import SystemClock
from limen.feeds import FollowingFeed
from limen.settings import Settings
from limen.stores.memory import MemoryStore
from limen.stores.sql import SqlStore

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "scaling.md"
MAX_LAG_MS = 2_000


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.simulation", "--small", "--json", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def unbroken() -> subprocess.CompletedProcess[str]:
    return simulate()


@pytest.fixture
def simulation(monkeypatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(ROOT)
    from bench.simulation import (
        __main__,
        costs,
        fact_tables,
        judge,
        markdown,
        model,
        parameters,
        run_tables,
        runs,
        sizing,
    )

    return SimpleNamespace(
        costs=costs,
        fact_tables=fact_tables,
        facts=json.loads(__main__.MEASURED.read_text()),
        judge=judge,
        markdown=markdown,
        model=model,
        parameters=parameters,
        run_tables=run_tables,
        runs=runs,
        sizing=sizing,
    )


def test_every_run_keeps_the_bound_and_some_come_near_it(unbroken):
    assert unbroken.returncode == 0, unbroken.stderr
    ran = json.loads(unbroken.stdout)
    assert len(ran) == 4
    for one in ran:
        delta = one["outcome"]["delta"]
        assert one["setup"]["nodes"] <= 50
        assert delta["samples"] > 1_000
        assert (delta["broken"], delta["greatest"] <= MAX_LAG_MS) == (0, True)
        assert delta["p50"] <= delta["p99"] <= delta["p999"] <= delta["greatest"]
    well, *cut = ran
    assert well["outcome"]["fall_back"] == 0
    # Links that are cut make leases run out, so the bound is what ends Δ there.
    assert all(one["outcome"]["delta"]["greatest"] > 0.8 * MAX_LAG_MS for one in cut)
    assert all(one["outcome"]["fall_back"] > 0 for one in cut)
    assert all(one["outcome"]["fall_back_reads_per_s"] > 0 for one in cut)


def test_the_seed_decides_everything(unbroken):
    assert simulate().stdout == unbroken.stdout
    assert simulate("--seed", "2").stdout != unbroken.stdout


@pytest.mark.parametrize("how", ["ignore", "from-reply", "no-age"])
def test_a_broken_lease_breaks_the_bound_and_fails_the_run(how):
    broken = simulate("--break-lease", how)
    assert broken.returncode == 1
    assert "BROKEN: " in broken.stderr
    deltas = [one["outcome"]["delta"] for one in json.loads(broken.stdout)]
    assert max(delta["greatest"] for delta in deltas) > MAX_LAG_MS
    assert sum(delta["broken"] for delta in deltas) > 0


def test_the_judge_counts_an_answer_without_an_entry_that_is_too_old(simulation):
    judge = simulation.judge.Judge([100.0, 200.0], 2, (0.0, 1_000.0))
    judge.answered(0, 130.0, 50.0)
    judge.learnt(0, 1)
    judge.answered(0, 251.0, 50.0)
    judge.learnt(0, 2)
    judge.answered(1, 90.0, 50.0)  # it fell back before either, so it accepted neither
    delta = judge.finish()
    assert (delta.broken, delta.greatest, delta.samples) == (1, 51.0, 4)
    assert (delta.p50, delta.p99) == (0.0, 51.0)


@pytest.mark.parametrize("feed", ["poll", "bell", "relay"])
def test_every_feed_tells_one_node_of_every_entry(simulation, feed):
    parameters, costs = simulation.parameters, simulation.costs
    setup = parameters.Setup(
        1,
        20,
        costs.postgresql(simulation.facts),
        feed=feed,
        relays=int(feed == "relay"),
        relay_costs=costs.broker(simulation.facts),
        seconds=5,
        warm_up_s=0,
    )
    run = simulation.model.Simulation(setup)
    outcome = run.run()
    # What was committed in the very last moments may still be on its way.
    settled = sum(1 for at in run.commits if at < run.end - 2 * parameters.HEARTBEAT_MS)
    assert outcome.commits >= run.nodes[-1].known >= settled > 50
    assert 0 < outcome.delta.p50 < parameters.HEARTBEAT_MS


def test_a_store_that_is_gone_is_refused_and_never_accepted(simulation):
    trouble = simulation.parameters.Trouble(outage=(2, 6))
    costs = simulation.costs.postgresql(simulation.facts)
    setup = simulation.parameters.Setup(10, 20, costs, seconds=10, warm_up_s=0, trouble=trouble)
    run = simulation.model.Simulation(setup)
    outcome = run.run()
    assert outcome.most_in_fall_back == 10
    # The last look before the outage bought `max_lag`; from then to its end nobody was served.
    assert 0.8 * 4 / 12.5 < outcome.refused <= 4.5 / 12.5
    assert outcome.delta.broken == 0
    assert not any(2_100 < at < 8_000 for at in run.commits)


def test_a_question_in_a_cut_is_sent_again_until_it_gives_up(simulation):
    parameters, chance = simulation.parameters, simulation.model.chance
    network = parameters.Network(median_ms=1, sigma=0, packet_loss=0)
    sent = [chance.delivered(Random(1), network, [(0.0, cut)], 0.0) for cut in (0.0, 500.0)]
    # 0, 200, 600: the third is the first after 500 ms.
    assert sent == [1.0, 601.0]
    ends = parameters.TIMEOUT_MS + 2_000
    assert chance.delivered(Random(1), network, [(0.0, ends)], 0.0) == math.inf


def test_what_the_model_takes_from_the_code_is_what_the_code_does(simulation):
    parameters = simulation.parameters
    feed = FollowingFeed(
        MemoryStore(), SystemClock(), max_lag=parameters.MAX_LAG_MS, interval=parameters.INTERVAL_MS
    )
    assert feed._heartbeat_s * 1000 == parameters.HEARTBEAT_MS
    assert feed._interval_s * 1000 == parameters.INTERVAL_MS
    settings = Settings(strategy="jwt", refresh=None)
    assert settings.max_lag * 1000 == MAX_LAG_MS == parameters.MAX_LAG_MS
    assert SqlStore("postgresql+asyncpg://limen@127.0.0.1/x")._timeout_ms == parameters.TIMEOUT_MS


def test_the_model_is_near_what_was_measured(simulation):
    """The measured fleets are committed, and so are the seeds: nothing here depends on time."""
    fleets = simulation.facts["fleets"]
    assert {case["store"] for case in fleets} == {"postgresql", "redis"}
    for case, run in zip(fleets, simulation.runs.real(simulation.facts), strict=True):
        setup = replace(run.setup, seconds=60)
        outcome = simulation.model.Simulation(setup).run()
        # What waking processes of two cores costs is not in the model: a few milliseconds.
        assert outcome.delta.p50 == pytest.approx(case["p50_ms"], rel=0.15, abs=2.5)
        assert outcome.node_looks_per_s == pytest.approx(case["looks_per_s"], rel=0.1)


def test_a_service_is_divided_as_far_as_its_log_needs(simulation):
    sizing = simulation.sizing
    for way in sizing.ways(simulation.facts):
        few, many = (sizing.cells(way, nodes, nodes / 4) for nodes in (100, 10_000))
        assert 1 <= few < many
        assert way.stops_at(math.ceil(10_000 / many))[0] >= 2_500 / many
        assert way.stops_at(math.ceil(10_000 / (many - 1)))[0] < 2_500 / (many - 1)
    rings = sizing.ways(simulation.facts)[0]
    assert rings.stops_at(sizing.LISTENERS + 1) == (0.0, "connections")
    assert rings.stops_at(1)[1] == "appends"


def test_the_document_has_the_parameters_of_today_and_what_was_measured(simulation):
    found = simulation.markdown.blocks(DOCUMENT.read_text())
    tables, facts = simulation.fact_tables, simulation.facts
    assert found["parameters"] == tables.parameters(seed=1)
    assert found["rates"] == tables.rates()
    for name in ("sizes", "memory", "stores", "stops", "appended", "parts"):
        assert found[name] == getattr(tables, name)(facts), f"run `make simulate`: {name}"
    # The simulated tables are compared for one that is fast to make.
    ran = [
        simulation.run_tables.Ran(
            run.table, run.name, run.setup, simulation.model.Simulation(run.setup).run()
        )
        for run in simulation.runs.distance(facts)
    ]
    assert found["distance"] == simulation.run_tables.by_distance(ran)


def test_blocks_are_replaced_and_nothing_else_is(simulation):
    markdown = simulation.markdown
    text = "a\n<!-- simulated: x -->\nold\n<!-- end -->\nb\n<!-- simulated: y -->\n<!-- end -->\n"
    made = {"x": "new\n", "y": "also new\n"}
    assert markdown.blocks(markdown.filled(text, made)) == made
    assert markdown.filled(text, {"x": "old\n", "y": ""}) == text
    for wrong in ({"x": "new\n"}, {**made, "z": ""}):
        with pytest.raises(ValueError, match="must have the blocks"):
            markdown.filled(text, wrong)

"""What every scenario must show, by strategy: the oracle, and what holds for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest
from canaries import leaks
from labs import Recorded

from limen.lab.exports.files import files_of
from limen.lab.exports.foreign import run_from
from limen.lab.exports.schema import read_trace
from limen.lab.exports.trace_json import document, trace_json
from limen.lab.reading.absence import UNEXPLAINED
from limen.lab.reading.answers import answers_of
from limen.lab.reading.findings import finding_of
from limen.lab.reading.lanes import align
from limen.lab.run import Run, Step
from limen.lab.scenarios import (
    COPY_LATER,
    EVERYWHERE,
    IDLE,
    LOGIN,
    OWN_LATER,
    PHONE_READS,
    SCENARIOS,
    UNKNOWN,
    WRONG,
    keys,
    nodes,
    refresh,
    roles,
    store,
)
from limen.lab.views.compare import run_page
from limen.lab.views.store import store_page
from limen.lab.views.wire import wire_page
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]
every_scenario = pytest.mark.parametrize("name", list(SCENARIOS))


def answered(run: Run, step: Step) -> dict[str, tuple[int, str | None]]:
    """Return what each strategy answered in one step, and why."""
    answers = dict(answers_of(run))[step]
    return {
        column.name: (answer.status, answer.reason) if answer else (0, None)
        for column, answer in zip(run.columns, answers, strict=True)
    }


OK = (200, None)


@every_scenario
def test_every_step_is_there_and_each_cell_says_something(played: Played, name: str) -> None:
    run = played(name).run
    assert [section.step for section in align(run)] == list(SCENARIOS[name].plot.steps)
    for section in align(run):
        assert section.rows
        for row in section.rows:
            for cell in row.cells:
                assert bool(cell.entries) != bool(cell.no_step), (section.step.name, row.phase)
                told = (section.step.name, row.phase, cell.column)
                assert cell.no_step != UNEXPLAINED, told


@every_scenario
def test_every_event_belongs_to_a_step(played: Played, name: str) -> None:
    for column in played(name).run.columns:
        steps = [step.name for step in SCENARIOS[name].plot.steps]
        assert sum(len(column.in_step(step)) for step in steps) == len(column.events)


@every_scenario
def test_no_secret_leaves_a_run(played: Played, name: str) -> None:
    recorded = played(name)
    assert len(recorded.secrets) > 3
    files = [file.text for file in files_of(recorded.run)]
    pages = [run_page(recorded.run), wire_page(recorded.run, ""), store_page(recorded.run, "")]
    shown = [*pages, json.dumps(recorded.run.as_json()), *recorded.log, *files]
    assert leaks(recorded.secrets, "\n".join(shown)) == []


@every_scenario
def test_the_trace_of_a_run_is_read_again_as_it_was(played: Played, name: str) -> None:
    run = played(name).run
    again = run_from(read_trace(trace_json(run).encode()))
    assert document(again)["columns"] == document(run)["columns"]


@every_scenario
def test_the_servers_of_a_run_do_not_complain(played: Played, name: str) -> None:
    lines = [one for one in played(name).log if one.startswith(("WARNING", "ERROR"))]
    if name == store.STORE_FAULT.plot.id:  # they had reason to
        assert lines
        lines = [one for one in lines if " 503" not in one and "revocation log" not in one]
    assert lines == []


def test_a_copy_of_a_token_expires_and_a_session_id_does_not(played: Played) -> None:
    expired = (401, "expired")
    told = answered(played("expiry").run, COPY_LATER)
    assert told == {"jwt": expired, "session": OK, "hybrid": expired}


def test_her_own_browser_goes_on_with_the_refresh_token(played: Played) -> None:
    told = answered(played("expiry").run, OWN_LATER)
    assert told == {"jwt": OK, "session": OK, "hybrid": OK}


def test_a_session_that_nobody_uses_ends_under_every_strategy(played: Played) -> None:
    run, idle = played("expiry").run, (401, "idle")
    assert answered(run, IDLE) == {"jwt": idle, "session": idle, "hybrid": idle}
    assert "moved forward by 8 days and 301 s" in run_page(run)


def test_a_wrong_passphrase_and_an_unknown_address_cost_the_same_steps(played: Played) -> None:
    """`test_seed_S3`: a check that is not awaited would let every passphrase through."""
    run = played("wrong-password").run
    bad = (401, "bad_credentials")
    for step in (WRONG, UNKNOWN):
        assert answered(run, step) == {"jwt": bad, "session": bad, "hybrid": bad}
    assert answered(run, LOGIN) == {"jwt": OK, "session": OK, "hybrid": OK}
    for column in run.columns:
        assert {event.client for event in column.in_step(UNKNOWN.name)} == {"stranger"}
        effects = [
            [
                (event.phase, operation.effect)
                for event in column.in_step(step)
                for operation in event.operations
            ]
            for step in (WRONG.name, UNKNOWN.name)
        ]
        assert effects[0] == effects[1]
        assert Phase.PASSWORD_VERIFY in {phase for phase, _ in effects[0]}


def test_ending_every_other_sign_in_spares_the_phone(played: Played) -> None:
    run = played("elsewhere").run
    for step in (EVERYWHERE, PHONE_READS):
        assert answered(run, step) == {"jwt": OK, "session": OK, "hybrid": OK}
    for column in run.columns:
        seen = finding_of(column)
        assert seen.kept
        assert (seen.access.refused_after is None) == (column.name == "jwt")
        assert seen.refresh is None or seen.refresh.statuses == (401,)
    assert "after ending every other sign-in" in run_page(run)


def test_a_used_refresh_token_gives_the_same_pair_within_the_grace_time(played: Played) -> None:
    run = played("refresh").run
    for step in (refresh.RENEWAL, refresh.RETRY):
        assert answered(run, step) == {"jwt": OK, "session": OK, "hybrid": OK}
    for name in ("jwt", "hybrid"):
        column = run.column(name)
        assert column is not None
        gained = [
            {
                event.outcome["refresh cookie"]["label"]
                for event in column.in_step(step.name)
                if event.phase is Phase.CLIENT_STORE
            }
            for step in (refresh.RENEWAL, refresh.RETRY)
        ]
        assert gained == [{"ref#2"}, {"ref#2"}]


def test_a_used_refresh_token_ends_the_sign_in_for_both_after_it(played: Played) -> None:
    run, ended = played("refresh").run, (401, "unknown_session")
    reused = answered(run, refresh.REUSE)
    assert reused == {"jwt": (401, "replayed"), "session": (0, None), "hybrid": (401, "replayed")}
    # What nobody asks about goes on until it expires.
    assert answered(run, refresh.OWNER_AT_ONCE) == {"jwt": OK, "session": OK, "hybrid": ended}
    assert answered(run, refresh.OWNER_LATER) == {"jwt": ended, "session": OK, "hybrid": ended}


def test_a_role_that_was_taken_away_is_403_and_no_401(played: Played) -> None:
    run, forbidden = played("role-change").run, (403, None)
    assert answered(run, roles.ALLOWED) == {"jwt": OK, "session": OK, "hybrid": OK}
    at_once = answered(run, roles.AFTER_DEMOTION)
    assert at_once == {"jwt": OK, "session": forbidden, "hybrid": forbidden}
    assert answered(run, roles.STILL_KNOWN) == {"jwt": OK, "session": OK, "hybrid": OK}
    later = answered(run, roles.DEMOTED_LATER)
    assert later == {"jwt": forbidden, "session": forbidden, "hybrid": forbidden}


def test_a_rotated_key_still_verifies_and_a_withdrawn_one_does_not(played: Played) -> None:
    run, unknown = played("key-rotation").run, (401, "unknown_key")
    for step in (keys.OLD_READS, keys.BROWSER_AFTER, PHONE_READS):
        assert answered(run, step) == {"jwt": OK, "session": OK, "hybrid": OK}
    copied = answered(run, keys.COPY_AFTER)
    assert copied == {"jwt": unknown, "session": OK, "hybrid": unknown}
    for name in ("jwt", "hybrid"):
        column = run.column(name)
        assert column is not None
        assert column.tokens is not None
        signed = {label: token.header["kid"] for label, token in column.tokens.items()}
        assert signed["tok#1"] != signed["tok#3"]  # hers and her phone's


def test_a_sign_in_outlives_a_node_unless_only_that_node_knew_of_it(played: Played) -> None:
    run, lost = played("node-fault").run, (401, "unknown_session")
    for step in (nodes.ANOTHER_NODE, nodes.NODE_KILLED):
        told = answered(run, step)
        assert told == {"jwt": OK, "session": OK, "hybrid": OK, "session-memory": lost}
    assert set(answered(run, nodes.LOGIN_AGAIN).values()) == {OK}
    assert run.environment["servers"] == (
        "2 child processes behind a balancer; killed: node:A by SIGKILL"
    )


def test_who_goes_on_without_the_store_and_who_is_told_to_try_again(played: Played) -> None:
    run, fault = played("store-fault").run, (503, None)
    at_once = answered(run, store.AT_ONCE)
    assert (at_once["jwt"], at_once["session"]) == (OK, fault)
    # Whether the lease of the feed still ran is a question of time; the trace says.
    column = run.column("hybrid")
    assert column is not None
    (asked,) = [
        one for one in column.in_step(store.AT_ONCE.name) if one.phase is Phase.REVOCATION_CHECK
    ]
    fresh = {one.name: one.ok for one in asked.checks}["feed is fresh"]
    assert at_once["hybrid"] == (OK if fresh else fault)
    assert answered(run, store.LEASE_OVER) == {"jwt": OK, "session": fault, "hybrid": fault}
    for step in (store.LOGIN_REFUSED, store.TOKEN_OVER):
        assert answered(run, step) == {"jwt": fault, "session": fault, "hybrid": fault}
    assert answered(run, store.BACK) == {"jwt": OK, "session": OK, "hybrid": OK}
    assert run.environment["store"].endswith("child process; killed by SIGKILL")

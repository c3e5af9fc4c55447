"""The lesson's execution table (E), held against runs.

Each test is named after the statement that it holds against the running system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from labs import Recorded
from seeds import (
    AGAIN,
    FORGET,
    NAMES,
    ROWS,
    checks,
    column,
    columns,
    events,
    last_request,
    one,
    rows,
    statuses,
)

from limen.lab.reading.answers import answers_of
from limen.lab.reading.findings import finding_of
from limen.lab.run import Run
from limen.lab.scenarios import (
    IDLE,
    LOGIN,
    LOGOUT,
    OWN_LATER,
    READ,
    REPLAY,
    REPLAY_REFRESH,
    THEFT,
    UNKNOWN,
    WRONG,
)
from limen.lab.setups import SETUPS as ALL_SETUPS
from limen.lab.views.compare import run_page
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]


def test_seed_E1_a_sign_in_request_is_received_and_its_password_is_not(lesson: Recorded) -> None:
    for each in columns(lesson.run):
        received = one(each, LOGIN.name, Phase.LOGIN_RECEIVE)
        assert received.given["email"]["v"] == "alice@example.org"
        assert received.given["password"] == {"k": "secret", "kind": "password"}
        body = each.exchanges[0].request.body
        assert body is not None
        assert body.rounded
        assert body.octets % 64 == 0
        stated = {line.name: line.pieces for line in each.exchanges[0].request.lines}
        assert stated["content-length"] == (None,)


def test_seed_E2_the_password_is_compared_to_a_hash_and_failures_look_alike(
    played: Played, told: Run
) -> None:
    verified = one(column(told, "jwt"), LOGIN.name, Phase.PASSWORD_VERIFY)
    assert str(verified.outcome["account"]["v"]).startswith("usr_")
    assert "argon2id" in str(verified.outcome["hash"]["v"])
    for each in columns(played("wrong-password").run):
        shapes = [
            [
                (e.phase, e.status, dict(e.outcome))
                for e in each.in_step(step)
                if e.actor != "client"
            ]
            for step in (WRONG.name, UNKNOWN.name)
        ]
        assert shapes[0] == shapes[1]


def test_seed_E3_a_token_is_made_without_a_write_where_nothing_is_kept(told: Run) -> None:
    changes = {
        each.name: one(each, LOGIN.name, Phase.CREDENTIAL_ISSUE).changes for each in columns(told)
    }
    assert changes == {"jwt-only": 0, "jwt": 1, "session": 1, "hybrid": 1}
    each = column(told, "jwt-only")
    assert each.tokens is not None
    readable = each.tokens["tok#1"].claims  # read without any key
    assert readable["sub"] is not None


def test_seed_E4_locally_is_a_place_with_a_name(told: Run, by_header: Run) -> None:
    places = {
        str(one(each, LOGIN.name, Phase.CLIENT_STORE).outcome["holder"]["v"])
        for run in (told, by_header)
        for each in columns(run)
    }
    assert places == {"HttpOnly cookie jar", "localStorage"}


def test_seed_E5_the_row_of_the_request_follows_the_carrier(told: Run, by_header: Run) -> None:
    for run, name in ((told, "cookie"), (by_header, "bearer")):
        for each in columns(run):
            extracted = one(each, READ.name, Phase.CREDENTIAL_EXTRACT)
            assert extracted.outcome["carrier"]["v"] == name


def test_seed_E6_a_valid_credential_is_no_permission(told: Run) -> None:
    for each in columns(told):
        steps = [e.phase for e in each.in_step(READ.name)]
        assert steps.index(Phase.CREDENTIAL_VALIDATE) < steps.index(Phase.AUTHZ_DECIDE)
        reads = sum(e.reads for e in each.in_step(READ.name))
        assert reads == (1 if each.name == "session" else 0)


def test_seed_E7_a_copy_that_was_deleted_leaves_the_other_copies_as_they_are(
    forgotten: Run,
) -> None:
    for each in columns(forgotten):
        forgot = one(each, FORGET.name, Phase.CLIENT_FORGET)
        assert forgot.outcome["left"]["v"] == 0
        assert statuses(each, AGAIN.name) == [401]
        assert statuses(each, REPLAY.name) == [200]


def test_seed_E7_the_verdict_of_the_standard_is_that_of_the_replay(told: Run) -> None:
    met = {each.name: finding_of(each).stops_use for each in columns(told)}
    assert met == {"jwt-only": False, "jwt": False, "session": True, "hybrid": True}
    assert run_page(told).count(">not met</strong>") == 2


def test_seed_E8_a_session_begins_with_the_same_rows_as_a_token(told: Run) -> None:
    before_issue = {}
    for each in columns(told):
        phases = [e.phase for e in each.in_step(LOGIN.name)]
        before_issue[each.name] = phases[: phases.index(Phase.CREDENTIAL_ISSUE)]
    assert len({tuple(phases) for phases in before_issue.values()}) == 1
    assert len(rows(column(told, "session"), "sessions", "r1")) == 1


def test_seed_E9_a_session_is_checked_by_a_read_that_has_a_duration(told: Run) -> None:
    looked_up = one(column(told, "session"), READ.name, Phase.CREDENTIAL_VALIDATE)
    assert [op.effect for op in looked_up.operations] == ["FindSession"]
    assert {"session exists", "absolute lifetime", "idle lifetime", "account enabled"} <= set(
        checks(looked_up)
    )


def test_seed_E10_the_server_ends_a_session_when_it_is_told_and_not_before(
    told: Run, forgotten: Run
) -> None:
    untold = column(forgotten, "session")
    assert len(rows(untold, "sessions", last_request(untold, REPLAY.name))) == 1
    assert statuses(untold, REPLAY.name) == [200]
    ended = column(told, "session")
    phases = [e.phase for e in ended.in_step(LOGOUT.name)]
    assert phases.index(Phase.CREDENTIAL_REVOKE) < phases.index(Phase.CLIENT_FORGET)
    assert len(rows(ended, "sessions", last_request(ended, LOGOUT.name))) == 0
    assert statuses(ended, REPLAY.name) == [401]


def test_seed_E11_a_process_ends_in_more_ways_than_two(played: Played, told: Run) -> None:
    reasons = {
        check.reason
        for run in (told, played("expiry").run, played("elsewhere").run)
        for each in columns(run)
        for event in each.events
        for check in event.checks
        if not check.ok and check.reason
    }
    assert {"expired", "idle", "revoked", "unknown_session"} <= reasons


def test_seed_E12_the_ways_off_the_happy_path_have_scenarios(played: Played) -> None:
    for name in ("wrong-password", "expiry", "elsewhere"):
        run = played(name).run
        refused = [
            answer
            for _, answers in answers_of(run)
            for answer in answers
            if answer is not None and not answer.accepted
        ]
        assert refused, name


def test_seed_E12_time_ends_what_nobody_ends(played: Played) -> None:
    for each in columns(played("expiry").run):
        assert statuses(each, OWN_LATER.name)[-1] == 200
        assert statuses(each, IDLE.name)[-1] == 401


def test_seed_K2c_a_stolen_session_id_works_like_a_stolen_token(forgotten: Run) -> None:
    for each in columns(forgotten):
        assert statuses(each, REPLAY.name) == [200]


def test_the_refresh_token_dies_with_the_session_where_there_is_one(told: Run) -> None:
    assert THEFT.name in {step.name for step in told.plot.steps}
    for name in ROWS:
        seen = finding_of(column(told, name)).refresh
        assert (seen is None) == (name == "session")
        assert seen is None or seen.statuses == (401,)
    assert events(column(told, "jwt-only"), REPLAY_REFRESH.name) == []


def test_every_setup_can_be_a_column() -> None:
    assert set(NAMES) < set(ALL_SETUPS)

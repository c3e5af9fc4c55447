"""The lesson's flow (F), with both of its branches, held against runs.

Each test is named after the statement that it holds against the running system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from canaries import leaks
from labs import Recorded
from seeds import (
    NAMES,
    SIGNED,
    checks,
    column,
    columns,
    events,
    labels,
    last_request,
    one,
    rows,
    statuses,
)

from limen.lab.reading.lanes import align
from limen.lab.run import Run
from limen.lab.scenarios import (
    COPY_LATER,
    IDLE,
    LOGIN,
    LOGOUT,
    READ,
    REPLAY,
)
from limen.lab.setups import Storage
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]


def test_seed_F1_the_same_credentials_are_presented_once_in_every_column(told: Run) -> None:
    for each in columns(told):
        [sent] = [wire for wire in each.exchanges if wire.path.endswith("/sign-in/email")]
        assert sent.method == "POST"
        assert sent.request.start == "POST /api/auth/sign-in/email HTTP/1.1"
        assert sent.request.body is not None
        assert sent.request.body.media_type == "application/json"
        assert sent.request.body.members["email"] == {"k": "pii", "v": "alice@example.org"}


def test_seed_F2_credentials_are_verified_in_two_steps_that_no_strategy_changes(
    told: Run,
) -> None:
    login = align(told)[0]
    rows_of = {row.phase: row for row in login.rows}
    for phase in (Phase.USER_LOOKUP, Phase.PASSWORD_VERIFY):
        assert rows_of[phase].same
    for each in columns(told):
        assert one(each, LOGIN.name, Phase.USER_LOOKUP).duration_ns > 0
        verified = one(each, LOGIN.name, Phase.PASSWORD_VERIFY)
        assert verified.duration_ns > 0
        assert checks(verified) == {"password": True}
        assert str(verified.outcome["hash"]["v"]).startswith("argon2id v=19 m=")


@pytest.mark.parametrize("name", SIGNED)
def test_seed_F3_a_token_has_every_claim_that_its_check_needs(told: Run, name: str) -> None:
    each = column(told, name)
    assert each.tokens is not None
    token = each.tokens["tok#1"]
    assert {"alg", "kid", "typ"} <= set(token.header)
    assert {"iss", "aud", "sub", "iat", "exp", "jti"} <= set(token.claims)
    issued = one(each, LOGIN.name, Phase.CREDENTIAL_ISSUE)
    assert issued.outcome["alg"]["v"] == token.header["alg"]["v"]  # type: ignore[index]
    assert issued.outcome["kid"]["v"] == token.header["kid"]["v"]  # type: ignore[index]
    assert token.octets > 300


def test_seed_F4_the_answer_is_shown_as_sent_by_cookie_or_by_body(
    told: Run, by_header: Run
) -> None:
    for each in columns(told):
        answer = each.exchanges[0].answer
        names = [line.name for line in answer.lines]
        assert "set-cookie" in names
        assert [line.pieces for line in answer.lines if line.name == "cache-control"] == [
            ("no-store",)
        ]
        assert answer.body is not None
        handle = answer.body.members["token"]  # names the session, and opens nothing
        assert handle is not None
        assert str(handle["v"]).startswith("ses_")
    for each in columns(by_header):
        answer = each.exchanges[0].answer
        assert "set-cookie" not in [line.name for line in answer.lines]
        assert answer.body is not None
        assert answer.body.members["token"]["label"] in {"tok#1", "sid#1"}  # type: ignore[index]


def test_seed_F5_the_client_says_where_it_keeps_the_credential(told: Run, by_header: Run) -> None:
    for run, place, readable in ((told, Storage.JAR, False), (by_header, Storage.LOCAL, True)):
        for each in columns(run):
            kept = one(each, LOGIN.name, Phase.CLIENT_STORE)
            assert kept.outcome["holder"]["v"] == place.value
            assert kept.outcome["script access"]["v"] is readable


def test_seed_F6_who_attached_the_credential_is_on_record(told: Run, by_header: Run) -> None:
    for run, rule, header in (
        (told, "cookie jar rule", "cookie"),
        (by_header, "script, as a header", "authorization"),
    ):
        for each in columns(run):
            sent = one(each, READ.name, Phase.CLIENT_ATTACH)
            assert sent.outcome["by"]["v"] == rule
            [read] = [w for w in each.exchanges if each.step_of[w.request_id] == READ.name]
            assert header in [line.name for line in read.request.lines]


@pytest.mark.parametrize("name", SIGNED)
def test_seed_F7_each_check_of_a_token_is_a_row_of_its_own(told: Run, name: str) -> None:
    validated = one(column(told, name), READ.name, Phase.CREDENTIAL_VALIDATE)
    needed = {"shape", "typ", "alg", "key", "signature", "exp", "iss", "aud"}
    assert needed <= set(checks(validated))
    assert all(checks(validated).values())


def test_seed_F8a_access_is_granted_to_a_principal_whose_source_is_known(told: Run) -> None:
    sources = {}
    for each in columns(told):
        assert statuses(each, READ.name) == [200]
        assert checks(one(each, READ.name, Phase.AUTHZ_DECIDE)) == {"roles": True}
        sources[each.name] = one(each, READ.name, Phase.PRINCIPAL_LOAD).outcome["source"]["v"]
    assert sources["session"] == "the session row and its account"
    assert {sources[name] for name in SIGNED} == {"the token's claims"}


def test_seed_F8b_a_denial_has_a_challenge_for_the_client_and_a_reason_for_the_trace(
    told: Run,
) -> None:
    for name in ("session", "hybrid"):
        each = column(told, name)
        [denied] = [w for w in each.exchanges if each.step_of[w.request_id] == REPLAY.name]
        assert denied.status == 401
        assert "www-authenticate" in [line.name for line in denied.answer.lines]
        reasons = [
            check.reason for e in each.in_step(REPLAY.name) for check in e.checks if not check.ok
        ]
        assert reasons[0] in {"unknown_session", "revoked"}
        shown = str(denied.answer.as_json())
        assert reasons[0] not in shown


def test_seed_F9_logout_is_four_effects_each_done_or_not(told: Run) -> None:
    for each in columns(told):
        forgot = one(each, LOGOUT.name, Phase.CLIENT_FORGET)
        assert forgot.outcome["left"]["v"] == 0
        after = last_request(each, LOGOUT.name)
        assert len(rows(each, "sessions", after)) == 0
        entries = len(rows(each, "revocation log", after))
        assert entries == (0 if each.name == "jwt-only" else 1), each.name
        deleted = len(rows(each, "sessions", last_request(each, READ.name)))
        assert deleted == (0 if each.name == "jwt-only" else 1)


def test_seed_FB1_a_session_row_is_written_and_the_id_is_nowhere_in_the_store(
    lesson: Recorded,
) -> None:
    each = column(lesson.run, "session")
    after = last_request(each, LOGIN.name)
    [session] = rows(each, "sessions", after).values()
    assert {"account", "created", "last use", "ends if unused for", "ends at the latest"} <= set(
        session
    )
    [kept] = rows(each, "credentials at rest", after).values()
    assert kept["digest of"] == "sid#1"
    assert leaks(lesson.secrets, str([one.as_json() for one in each.ledger])) == []


def test_seed_FB2_the_cookie_is_set_with_its_attributes(told: Run) -> None:
    for each in columns(told):
        lines = [line for line in each.exchanges[0].answer.lines if line.name == "set-cookie"]
        for line in lines:
            attributes = str(line.pieces[-1])
            assert "HttpOnly" in attributes
            assert "SameSite=Lax" in attributes
            assert "Path=/" in attributes


def test_seed_FB3_the_browser_sends_the_cookie_by_rule(told: Run) -> None:
    sent = one(column(told, "session"), READ.name, Phase.CLIENT_ATTACH)
    assert labels(sent) == {"sid#1"}
    assert sent.outcome["by"]["v"] == "cookie jar rule"


def test_seed_FB4_the_lookup_is_a_read_and_the_last_use_a_write_that_is_counted(
    played: Played, told: Run
) -> None:
    looked_up = one(column(told, "session"), READ.name, Phase.CREDENTIAL_VALIDATE)
    assert (looked_up.reads, looked_up.writes) == (1, 0)
    assert looked_up.operations[0].duration_ns > 0
    later = column(played("expiry").run, "session")
    slid = [e for e in later.in_step(COPY_LATER.name) if e.writes]
    assert slid, "a use after some time moves the idle end, which is a write"


def test_seed_FB5_a_failing_lookup_is_a_run_like_any_other(played: Played, told: Run) -> None:
    assert statuses(column(told, "session"), REPLAY.name) == [401]
    assert statuses(column(played("expiry").run, "session"), IDLE.name) == [401]


def test_seed_FB6_what_the_browser_held_before_the_login_is_looked_for(told: Run) -> None:
    for each in columns(told):
        assert events(each, LOGIN.name, Phase.PRELOGIN_DISCARD)


def test_seed_FC_both_branches_and_what_is_between_stand_side_by_side(told: Run) -> None:
    assert [each.name for each in columns(told)] == NAMES
    issuing = next(row for row in align(told)[0].rows if row.phase is Phase.CREDENTIAL_ISSUE)
    kinds = [
        {value["kind"] for value in cell.entries[-1].event.outcome.values() if "kind" in value}
        for cell in issuing.cells
    ]
    assert kinds == [{"token"}, {"token"}, {"session"}, {"token"}]

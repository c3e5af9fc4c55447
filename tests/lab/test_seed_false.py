"""What the lesson says and is not so: fourteen statements, each refuted by the running system."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from canaries import leaks
from labs import Recorded
from seeds import (
    AGAIN,
    NAMES,
    column,
    columns,
    events,
    last_request,
    one,
    rows,
    statuses,
)

from limen.lab.reading.findings import finding_of
from limen.lab.reading.lanes import align
from limen.lab.run import Run
from limen.lab.scenarios import (
    COPY_LATER,
    IDLE,
    LOGIN,
    LOGOUT,
    LOGOUT_REPLAY,
    READ,
    REPLAY,
    WRONG,
)
from limen.lab.setups import SETUPS as ALL_SETUPS
from limen.lab.views.compare import run_page
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]


def test_seed_false_1_no_password_is_kept_until_a_later_step(lesson: Recorded) -> None:
    told = json.dumps(lesson.run.as_json()) + run_page(lesson.run) + "\n".join(lesson.log)
    assert leaks(lesson.secrets, told) == []


def test_seed_false_2_no_later_request_knows_of_a_password(told: Run) -> None:
    for each in columns(told):
        for event in each.events:
            values = [*event.given.values(), *event.outcome.values()]
            if any(value.get("kind") == "password" for value in values):
                assert each.step_of[event.request_id] == LOGIN.name
                assert event.phase is Phase.LOGIN_RECEIVE


def test_seed_false_3_deleting_a_token_invalidates_nothing_and_telling_the_server_may(
    told: Run, forgotten: Run
) -> None:
    for name in ("jwt-only", "jwt", "hybrid"):
        assert statuses(column(forgotten, name), REPLAY.name) == [200]
    assert set(statuses(column(told, "jwt-only"), REPLAY.name)) == {200}
    assert statuses(column(told, "hybrid"), REPLAY.name)[-1] == 401


def test_seed_false_4_deleting_a_cookie_destroys_no_session(forgotten: Run) -> None:
    each = column(forgotten, "session")
    before = rows(each, "sessions", last_request(each, READ.name))
    after = rows(each, "sessions", last_request(each, REPLAY.name))
    assert len(before) == len(after) == 1
    assert statuses(each, REPLAY.name) == [200]


def test_seed_false_5_a_user_is_still_a_valid_user_after_a_logout(told: Run) -> None:
    for each in columns(told):
        before, after = (
            rows(each, "accounts", at) for at in ("-", last_request(each, LOGOUT.name))
        )
        assert before == after
        [account] = after.values()
        assert account["disabled"] is False


def test_seed_false_6_the_name_of_one_request_is_not_that_of_another(told: Run) -> None:
    for each in columns(told):
        received = one(each, LOGIN.name, Phase.LOGIN_RECEIVE)
        loaded = one(each, READ.name, Phase.PRINCIPAL_LOAD)
        assert received.request_id != loaded.request_id
        assert received.given["email"]["v"] == "alice@example.org"
        assert loaded.outcome["subject"]["v"] != received.given["email"]["v"]
        assert "email" not in {*loaded.given, *loaded.outcome}


def test_seed_false_7_a_session_is_there_or_it_is_not(told: Run, forgotten: Run) -> None:
    ended, kept = column(told, "session"), column(forgotten, "session")
    assert len(rows(ended, "sessions", last_request(ended, LOGOUT.name))) == 0
    assert len(rows(kept, "sessions", last_request(kept, REPLAY.name))) == 1


def test_seed_false_8_a_wrong_password_does_not_pass_for_a_promise(played: Played) -> None:
    for each in columns(played("wrong-password").run):
        assert statuses(each, WRONG.name) == [401]


def test_seed_false_10_with_a_cache_in_front_a_session_ends_within_its_promise() -> None:
    setups = (ALL_SETUPS["session"], ALL_SETUPS["session-feed"])
    run = LOGOUT_REPLAY(setups=setups)
    promised = [each.guarantees.revocation_window for each in columns(run)]
    assert promised[0] == 0 < promised[1]
    for each in columns(run):
        assert statuses(each, REPLAY.name)[-1] == 401
        assert finding_of(each).kept


def test_seed_false_12_sessions_expire_by_themselves(played: Played) -> None:
    each = column(played("expiry").run, "session")
    assert statuses(each, COPY_LATER.name) == [200]
    assert statuses(each, IDLE.name) == [401]


def test_seed_false_13_every_row_has_a_cell_in_every_column(told: Run, forgotten: Run) -> None:
    for run in (told, forgotten):
        for section in align(run):
            for row in section.rows:
                assert [cell.column for cell in row.cells] == NAMES
                assert all(cell.entries or cell.no_step for cell in row.cells)


def test_seed_false_14_a_deletion_in_the_browser_does_not_touch_the_store(
    forgotten: Run,
) -> None:
    for each in columns(forgotten):
        names = ("sessions", "credentials at rest", "revocation log", "accounts")
        before = last_request(each, READ.name)
        after = last_request(each, AGAIN.name)
        for table in names:
            assert rows(each, table, before) == rows(each, table, after)
        assert not events(each, "forget", Phase.CREDENTIAL_REVOKE)

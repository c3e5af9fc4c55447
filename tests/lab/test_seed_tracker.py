"""The lesson's variable tracker (V), cell by cell, held against the tracker of a run.

The lesson's moments are rows of the login (its steps 2 to 4), of the read (its step 6) and the
last row. Each test is named after the cell that it repairs.
"""

from __future__ import annotations

import pytest
from canaries import leaks
from labs import Recorded
from seeds import NAMES, SIGNED, column, columns, last_request, one, rows, statuses

from limen.lab.reading.holders import Holder
from limen.lab.reading.lanes import align
from limen.lab.reading.things import Thing
from limen.lab.reading.tracker import State, tracked
from limen.lab.run import Run, Step
from limen.lab.scenarios import LOGIN, LOGOUT, READ, REPLAY
from limen.lab.views.compare import run_page
from limen.phase import Phase

START = 0


def row(run: Run, step: Step, phase: Phase) -> int:
    """Return the number of the row of a phase in a step."""
    section = next(each for each in align(run) if each.step is step)
    return next(each.number for each in section.rows if each.phase is phase)


def last_row(run: Run) -> int:
    return align(run)[-1].rows[-1].number


def cell(run: Run, holder: Holder, thing: Thing, name: str, at: int) -> tuple[State, str]:
    """Return the state and the text of a variable in one column after a row."""
    for group in tracked(run):
        for variable in group.variables:
            if (group.holder, variable.thing) == (holder, thing):
                track = next(each for each in variable.tracks if name in each.columns)
                return track.at(at).state, track.at(at).text
    return State.OUT, State.OUT.value


@pytest.fixture(scope="module")
def verified(told: Run) -> int:
    return row(told, LOGIN, Phase.PASSWORD_VERIFY)


@pytest.fixture(scope="module")
def issued(told: Run) -> int:
    return row(told, LOGIN, Phase.CREDENTIAL_ISSUE)


@pytest.fixture(scope="module")
def stored(told: Run) -> int:
    return row(told, LOGIN, Phase.CLIENT_STORE)


@pytest.fixture(scope="module")
def read(told: Run) -> int:
    return row(told, READ, Phase.PRINCIPAL_LOAD)


@pytest.fixture(scope="module")
def final(told: Run) -> int:
    return last_row(told)


every_column = pytest.mark.parametrize("name", NAMES)
each_signed = pytest.mark.parametrize("name", SIGNED)
OUT = (State.OUT, "not in scope")
EMAIL = (State.VALUE, "alice@example.org")


def test_seed_V1_no_variable_has_a_step_before_the_first_request(told: Run) -> None:
    for group in tracked(told):
        for variable in group.variables:
            for track in variable.tracks:
                assert track.spans[START].first == 1


@every_column
def test_seed_V2_the_name_is_in_the_login_request(told: Run, verified: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.EMAIL, name, verified) == EMAIL


@each_signed
def test_seed_V3_the_subject_goes_into_the_token_and_not_the_name(
    told: Run, issued: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.EMAIL, name, issued) == EMAIL
    tokens = column(told, name).tokens
    assert tokens is not None
    assert str(tokens["tok#1"].claims["sub"]["v"]).startswith("usr_")  # type: ignore[index]


@every_column
def test_seed_V4_the_name_is_out_of_scope_when_the_login_was_answered(
    told: Run, stored: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.EMAIL, name, stored) == OUT


@every_column
def test_seed_V5_another_request_has_a_principal_of_its_own(
    told: Run, read: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.EMAIL, name, read) == OUT
    state, text = cell(told, Holder.REQUEST, Thing.PRINCIPAL, name, read)
    assert state is State.VALUE
    assert text.startswith("usr_")
    source = str(one(column(told, name), READ.name, Phase.PRINCIPAL_LOAD).outcome["source"]["v"])
    assert ("row" in source) == (name == "session")


@every_column
def test_seed_V6_a_logout_does_not_set_a_name(told: Run, final: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.EMAIL, name, final) == OUT
    assert cell(told, Holder.REQUEST, Thing.EMAIL, name, final) == OUT


def test_seed_V7_no_password_exists_before_the_request(told: Run) -> None:
    for each in columns(told):
        first = each.events[0].request_id
        received = one(each, LOGIN.name, Phase.LOGIN_RECEIVE)
        assert received.request_id == first


@every_column
def test_seed_V8_the_password_is_present_and_never_recorded(
    told: Run, verified: int, name: str
) -> None:
    said = (State.VALUE, "present, never recorded")
    assert cell(told, Holder.LOGIN, Thing.PASSPHRASE, name, verified) == said


@every_column
def test_seed_V9_while_the_login_goes_on_its_password_has_no_value_to_show(
    lesson: Recorded, issued: int, name: str
) -> None:
    _, text = cell(lesson.run, Holder.LOGIN, Thing.PASSPHRASE, name, issued)
    assert text == "present, never recorded"
    assert leaks(lesson.secrets, run_page(lesson.run)) == []


@every_column
def test_seed_V10_the_password_is_out_of_scope_when_the_login_was_answered(
    told: Run, stored: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.PASSPHRASE, name, stored) == OUT


@every_column
def test_seed_V11_a_later_request_has_no_password(told: Run, read: int, name: str) -> None:
    for holder in Holder:
        state, _ = cell(told, holder, Thing.PASSPHRASE, name, read)
        assert state is not State.VALUE, holder


@every_column
def test_seed_V12_and_neither_has_anybody_at_the_end(told: Run, final: int, name: str) -> None:
    for holder in Holder:
        state, _ = cell(told, holder, Thing.PASSPHRASE, name, final)
        assert state is not State.VALUE, holder


@every_column
def test_seed_V13_before_the_check_its_outcome_is_unset(
    told: Run, verified: int, name: str
) -> None:
    state, _ = cell(told, Holder.LOGIN, Thing.OUTCOME, name, verified - 1)
    assert state is State.UNSET


@every_column
def test_seed_V14_the_check_has_an_outcome_and_an_account(
    told: Run, verified: int, name: str
) -> None:
    said = (State.VALUE, "passphrase right")
    assert cell(told, Holder.LOGIN, Thing.OUTCOME, name, verified) == said
    checked = one(column(told, name), LOGIN.name, Phase.PASSWORD_VERIFY)
    assert str(checked.outcome["account"]["v"]).startswith("usr_")


@every_column
def test_seed_V15_the_outcome_stays_in_the_login_request(told: Run, issued: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.OUTCOME, name, issued)[0] is State.VALUE


@every_column
def test_seed_V16_and_is_out_of_scope_when_it_was_answered(
    told: Run, stored: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.OUTCOME, name, stored) == OUT


@every_column
def test_seed_V17_another_request_checks_something_else(told: Run, read: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.OUTCOME, name, read) == OUT
    state, text = cell(told, Holder.REQUEST, Thing.OUTCOME, name, read)
    assert state is State.VALUE
    assert "credential valid" in text
    assert "passphrase" not in text


@every_column
def test_seed_V18_a_user_who_signed_out_is_still_a_user(told: Run, final: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.OUTCOME, name, final) == OUT
    each = column(told, name)
    [account] = rows(each, "accounts", last_request(each, LOGOUT.name)).values()
    assert account["disabled"] is False


@each_signed
def test_seed_V19_no_token_exists_at_first(told: Run, name: str) -> None:
    assert cell(told, Holder.JAR, Thing.TOKEN, name, 1) == (State.UNSET, "unset")


@each_signed
def test_seed_V20_a_token_that_was_not_made_is_unset(told: Run, verified: int, name: str) -> None:
    assert cell(told, Holder.LOGIN, Thing.TOKEN, name, verified) == (State.UNSET, "unset")


@each_signed
def test_seed_V21_the_token_is_made_in_the_login_request_and_can_be_read(
    told: Run, issued: int, name: str
) -> None:
    assert cell(told, Holder.LOGIN, Thing.TOKEN, name, issued) == (State.VALUE, "tok#1")
    tokens = column(told, name).tokens
    assert tokens is not None
    assert set(tokens) == {"tok#1"}


@each_signed
def test_seed_V22_the_client_holds_the_token_and_the_server_does_not(
    told: Run, stored: int, name: str
) -> None:
    assert cell(told, Holder.JAR, Thing.TOKEN, name, stored) == (State.VALUE, "tok#1")
    for holder in (Holder.LOGIN, Holder.REQUEST, Holder.SERVER, Holder.STORE):
        assert cell(told, holder, Thing.TOKEN, name, stored)[0] is not State.VALUE


@each_signed
def test_seed_V23_the_same_token_is_in_the_later_request(told: Run, read: int, name: str) -> None:
    assert cell(told, Holder.REQUEST, Thing.TOKEN, name, read) == (State.VALUE, "tok#1")


@each_signed
def test_seed_V24_her_copy_is_destroyed_and_the_thief_holds_the_same_token(
    told: Run, final: int, name: str
) -> None:
    assert cell(told, Holder.JAR, Thing.TOKEN, name, final) == (State.DESTROYED, "destroyed")
    assert cell(told, Holder.THIEF, Thing.TOKEN, name, final) == (State.VALUE, "tok#1")
    accepted = statuses(column(told, name), REPLAY.name)[-1] == 200
    assert accepted == (name != "hybrid")


def test_seed_V25_the_store_begins_without_sessions(told: Run) -> None:
    for each in columns(told):
        assert rows(each, "sessions", "-") == {}


def test_seed_V26_no_session_exists_before_it_is_made(told: Run, verified: int) -> None:
    assert cell(told, Holder.STORE, Thing.ROW, "session", verified) == (State.UNSET, "unset")


def test_seed_V27_a_session_is_a_row_and_a_token_alone_has_none(told: Run, issued: int) -> None:
    state, text = cell(told, Holder.STORE, Thing.ROW, "session", issued)
    assert (state, text[:8]) == (State.VALUE, "row ses_")
    assert cell(told, Holder.STORE, Thing.ROW, "jwt-only", issued) == (State.UNSET, "unset")


def test_seed_V28_the_jar_holds_the_id_and_the_store_its_digest(told: Run, stored: int) -> None:
    assert cell(told, Holder.JAR, Thing.SESSION, "session", stored) == (State.VALUE, "sid#1")
    digest = cell(told, Holder.STORE, Thing.DIGEST, "session", stored)
    assert digest == (State.VALUE, "digest of sid#1")


def test_seed_V29_the_row_is_read_by_the_later_request(told: Run, read: int) -> None:
    assert cell(told, Holder.STORE, Thing.ROW, "session", read)[0] is State.VALUE
    assert one(column(told, "session"), READ.name, Phase.CREDENTIAL_VALIDATE).reads == 1


def test_seed_V30_two_endings_are_two_values_and_not_an_or(
    told: Run, forgotten: Run, final: int
) -> None:
    gone = cell(told, Holder.STORE, Thing.ROW, "session", final)
    kept = cell(forgotten, Holder.STORE, Thing.ROW, "session", last_row(forgotten))
    assert gone == (State.DESTROYED, "destroyed")
    assert kept[0] is State.VALUE
    assert " or " not in gone[1] + kept[1]

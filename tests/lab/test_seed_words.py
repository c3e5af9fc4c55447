"""The lesson's head (H), key moments (K), quiz (Q), snapshot (N) and transcript (T).

What the lesson says in sentences, a page says from a run. Each test is named after the
sentence that it holds against the running system.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest
from labs import Recorded
from seeds import NAMES, SIGNED, checks, column, columns, events, last_request, one, rows, statuses

from limen.lab.attacks import CARDS
from limen.lab.menu import OF_A_RUN, OF_THE_LAB
from limen.lab.quiz.deal import TEMPLATES
from limen.lab.quiz.item import Item, settled
from limen.lab.quiz.sheet import Sheet
from limen.lab.reading.flow import flow_of
from limen.lab.reading.insights import Moment, moments_of
from limen.lab.reading.lanes import align
from limen.lab.reading.snapshot import snapshot_of
from limen.lab.run import Run
from limen.lab.scenarios import IDLE, LOGIN, LOGOUT, READ, REPLAY
from limen.lab.views.compare import run_page
from limen.phase import Phase

Played: TypeAlias = Callable[[str], Recorded]
TAGS = re.compile(r"<[^>]*>")


def read_page(run: Run) -> str:
    """Return the words of the page, as somebody reads them."""
    return " ".join(TAGS.sub(" ", run_page(run)).split())


def answer(moments: tuple[Moment, ...], name: str, of: str) -> str:
    """Return what a moment says of a column."""
    moment = next(each for each in moments if each.id == name)
    return next(each.text for each in moment.answers if of in each.columns)


def items(run: Run) -> list[Item]:
    """Return every question that a run can be asked."""
    sheet = Sheet(run)
    drafts = (draft for template in TEMPLATES for draft in template(sheet))
    return [item for item in (settled(draft, sheet) for draft in drafts) if item is not None]


# The head


def test_seed_H1_nothing_counts_who_likes_it(told: Run) -> None:
    assert "0 / 0" not in read_page(told)


def test_seed_H2_a_run_says_what_ran(told: Run) -> None:
    assert {"limen", "python", "machine", "store", "clock", "clients"} <= set(told.environment)
    page = read_page(told)
    for value in told.environment.values():
        assert value in page


def test_seed_H3_the_strategies_stand_side_by_side(told: Run) -> None:
    for section in align(told):
        for each in section.rows:
            assert [cell.column for cell in each.cells] == NAMES
            assert all(cell.entries or cell.no_step for cell in each.cells)


def test_seed_H4_there_are_nine_views_of_one_trace() -> None:
    views = [name for name, _ in (*OF_THE_LAB, *OF_A_RUN)]
    of_the_lab, of_a_run = ["Start", "Attack", "Measure", "Decide"], ["Compare", "Wire"]
    assert views == [*of_the_lab, *of_a_run, "Store", "Quiz", "Take away"]


# The key moments


@pytest.mark.parametrize("name", SIGNED)
def test_seed_K1a_a_token_can_be_read_by_whoever_holds_it(told: Run, name: str) -> None:
    said = answer(moments_of(told), "K1a", name)
    tokens = column(told, name).tokens
    assert tokens is not None
    assert all(claim in said for claim in tokens["tok#1"].claims)


@pytest.mark.parametrize("name", SIGNED)
def test_seed_K1b_the_signature_is_one_check_of_many(told: Run, name: str) -> None:
    validated = checks(one(column(told, name), READ.name, Phase.CREDENTIAL_VALIDATE))
    assert len(validated) > 5
    said = answer(moments_of(told), "K1b", name)
    assert f"and {len(validated) - 1} more" in said


def test_seed_K1c_the_client_holds_the_id_and_the_store_its_digest(told: Run) -> None:
    said = answer(moments_of(told), "K1c", "session")
    assert "The client: sid#1." in said
    assert "digest of sid#1" in said


def test_seed_K2a_a_stolen_token_works_as_long_as_nobody_is_asked(told: Run) -> None:
    for name in ("jwt-only", "jwt"):
        assert "Accepted in" in answer(moments_of(told), "K2a", name)
    assert "No longer: refused" in answer(moments_of(told), "K2a", "hybrid")


def test_seed_K2b_an_ending_is_as_quick_as_what_is_asked(told: Run) -> None:
    for name in ("session", "hybrid"):
        assert "Measured: on request 1 after it" in answer(moments_of(told), "K2b", name)
    assert "Promised: the next request" in answer(moments_of(told), "K2b", "session")
    assert "Promised: 2.0 s" in answer(moments_of(told), "K2b", "hybrid")


def test_seed_K2c_the_page_says_it_of_session_ids_too(told: Run) -> None:
    assert "cannot tell the two apart" in answer(moments_of(told), "K2c", "session")


# The quiz


def test_seed_Q1_which_row_makes_the_credential_is_asked_and_read_from_the_trace(
    told: Run,
) -> None:
    asked = [each for each in items(told) if each.template == "T1"]
    assert asked
    issuing = next(each for each in align(told)[0].rows if each.phase is Phase.CREDENTIAL_ISSUE)
    begins = [each for each in asked if "begins" in each.id]
    assert begins
    assert all(f"row {issuing.number}:" in each.right.text for each in begins)


def test_seed_Q2_who_holds_it_is_asked_where_the_lesson_asks_for_a_variable(told: Run) -> None:
    asked = [each for each in items(told) if each.template == "T2"]
    assert asked
    assert all(each.wrong for each in asked)


def test_seed_Q3_the_next_request_is_asked_of_both(told: Run, forgotten: Run) -> None:
    asked = [each for each in items(told) if each.template == "T3"]
    assert asked
    for each in columns(forgotten):
        assert statuses(each, "ask again") == [401]
        assert statuses(each, REPLAY.name) == [200]


def test_seed_Qall_every_question_has_exactly_one_right_answer(told: Run, played: Played) -> None:
    for run in (told, played("expiry").run, played("elsewhere").run):
        asked = items(run)
        assert asked
        for each in asked:
            texts = [each.right.text, *(option.text for option in each.wrong)]
            assert len(set(texts)) == len(texts) > 1


# The snapshot


def test_seed_N0_the_snapshot_is_that_of_this_run(told: Run, forgotten: Run) -> None:
    assert [each.id for each in snapshot_of(told)] == ["N1", "N2", "N3", "N4", "N5"]
    assert snapshot_of(told) != snapshot_of(forgotten)


@pytest.mark.parametrize("name", SIGNED)
def test_seed_N1_the_client_of_a_signed_strategy_is_given_a_token_of_a_size(
    told: Run, name: str
) -> None:
    tokens = column(told, name).tokens
    assert tokens is not None
    assert f"{tokens['tok#1'].octets} bytes" in answer(snapshot_of(told), "N1", name)


def test_seed_N2_the_server_keeps_a_row_and_the_client_an_id(told: Run) -> None:
    said = answer(snapshot_of(told), "N2", "session")
    assert "row ses_" in said
    assert "digest of sid#1" in said
    assert "nothing about this sign-in" in answer(snapshot_of(told), "N2", "jwt-only")


def test_seed_N3_a_session_is_asked_of_a_store_and_a_token_of_none(told: Run) -> None:
    reads = {
        each.name: sum(event.reads for event in each.in_step(READ.name)) for each in columns(told)
    }
    assert reads == {"jwt-only": 0, "jwt": 0, "session": 1, "hybrid": 0}
    for name, count in reads.items():
        assert f"Store reads: {count}" in answer(snapshot_of(told), "N3", name)


def test_seed_N4_both_expire_and_both_can_be_ended_at_a_price(told: Run, played: Played) -> None:
    said = answer(snapshot_of(told), "N4", "session")
    assert "By itself after" in said
    assert "By decision with the next request" in said
    assert statuses(column(played("expiry").run, "session"), IDLE.name) == [401]
    assert "within 2.0 s" in answer(snapshot_of(told), "N4", "hybrid")


def test_seed_N5_a_choice_is_told_by_what_it_costs_and_what_it_gives(told: Run) -> None:
    for each in columns(told):
        said = answer(snapshot_of(told), "N5", each.name)
        assert re.search(r"Paid: (no|\d+) store reads? and \d+ bytes a request", said)
        assert "Got:" in said


# The transcript


def test_seed_T1_the_transcript_begins_with_what_ran(told: Run) -> None:
    assert told.environment["python"] in read_page(told)


def test_seed_T2_a_login_leads_to_either_and_to_what_is_between(told: Run) -> None:
    making = next(node for node in flow_of(told) if node.id == "make")
    assert [branch.column for branch in making.branches] == NAMES


def test_seed_T3_a_token_may_be_in_a_cookie(told: Run) -> None:
    for name in SIGNED:
        sent = one(column(told, name), READ.name, Phase.CLIENT_ATTACH)
        assert sent.outcome["by"]["v"] == "cookie jar rule"


def test_seed_T4_verifying_is_a_list_of_checks_or_a_read(told: Run) -> None:
    for each in columns(told):
        validated = one(each, READ.name, Phase.CREDENTIAL_VALIDATE)
        assert ("signature" in checks(validated)) == (each.name != "session")
        assert validated.reads == (1 if each.name == "session" else 0)


def test_seed_T5_an_ending_has_effects_that_are_done_or_not(told: Run) -> None:
    ending = next(node for node in flow_of(told) if node.id == "end")
    done = {
        branch.column: {effect.name: effect.done for effect in branch.effects}
        for branch in ending.branches
    }
    assert {len(effects) for effects in done.values()} == {4}
    assert done["session"] != done["jwt-only"]


def test_seed_T6_every_request_has_a_before_and_an_after(told: Run) -> None:
    for each in columns(told):
        after = {snapshot.request_id for snapshot in each.ledger}
        assert {wire.request_id for wire in each.exchanges} <= after
        assert "-" in after


def test_seed_T7_the_tracker_is_on_the_page_by_holder(told: Run) -> None:
    page = read_page(told)
    for holder in ("browser cookie jar", "login request", "resource request", "store", "thief"):
        assert holder in page


def test_seed_T8_the_key_moments_are_on_the_page(told: Run) -> None:
    page = read_page(told)
    for each in moments_of(told):
        assert each.question in page
        assert each.answers


def test_seed_T9_the_quiz_asks_for_creation_holder_and_effect(told: Run) -> None:
    assert {"T1", "T2", "T3"} <= {each.template for each in items(told)}


def test_seed_T10_the_snapshot_is_on_the_page(told: Run) -> None:
    page = read_page(told)
    for each in snapshot_of(told):
        assert each.question in page


def test_seed_T11_the_page_is_its_own_transcript(told: Run) -> None:
    _, _, transcript = run_page(told).partition('id="transcript"')
    count = sum(len(section.rows) for section in align(told))
    assert transcript.count("<li") >= count


# What the lesson says of it and is not so, where it takes a card to show


@pytest.mark.parametrize("name", ["A10", "A11"])
def test_seed_false_9_a_good_signature_is_not_enough(name: str) -> None:
    card = CARDS[name]
    run = card()
    for each in columns(run):
        assert card.outcome(run, each) == card.expected[each.name]
        if each.name in SIGNED:
            failed = [
                check.name
                for event in each.events
                if event.phase is Phase.CREDENTIAL_VALIDATE
                for check in event.checks
                if not check.ok
            ]
            assert failed
            assert "signature" not in failed


def test_seed_false_11_a_session_survives_the_process_that_made_it(played: Played) -> None:
    run = played("node-fault").run
    for name in ("jwt", "session", "hybrid"):
        each = column(run, name)
        last = run.plot.steps[-1].name
        assert statuses(each, last)[-1] == 200, name
    assert one(column(run, "session"), LOGIN.name, Phase.CREDENTIAL_ISSUE).actor == "node:A"
    assert LOGOUT.name not in {step.name for step in run.plot.steps}
    assert events(column(run, "session"), LOGIN.name)
    each = column(run, "session")
    assert len(rows(each, "sessions", last_request(each, run.plot.steps[-1].name))) >= 1

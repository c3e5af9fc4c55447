"""What the Compare view reads out of a run: computed from the trace, and true to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from canaries import leaks
from labs import Recorded

from limen.lab.reading.custody import kept_in
from limen.lab.reading.findings import finding_of
from limen.lab.reading.flow import flow_of
from limen.lab.reading.holders import Hands, Holder, holders_of, holdings
from limen.lab.reading.insights import moments_of
from limen.lab.reading.lanes import align
from limen.lab.reading.snapshot import snapshot_of
from limen.lab.reading.source import PACKAGE, excerpt, excerpts_of
from limen.lab.reading.spans import spans_of
from limen.lab.reading.telling import told
from limen.lab.reading.things import Thing
from limen.lab.reading.tracker import State, Track, tracked
from limen.lab.reading.why import reference, why
from limen.lab.run import Run
from limen.lab.scenarios import LOGOUT_REPLAY, SCENARIOS
from limen.lab.setups import SETUPS
from limen.lab.views.compare import run_page
from limen.phase import Phase
from limen.trace.event import REFERENCES, Source

STRATEGIES = ["jwt", "session", "hybrid"]
Played = Callable[[str], Recorded]


def row_of(run: Run, step: str, phase: Phase) -> int:
    return next(
        row.number
        for section in align(run)
        for row in section.rows
        if section.step.name == step and row.phase is phase
    )


def texts(hands: Hands, holder: Holder) -> list[str]:
    return [one.text for one in hands.get(holder, ())]


def test_rows_stand_in_the_order_in_which_each_server_took_them(run: Run) -> None:
    for section in align(run):
        place = {row.phase: row.number for row in section.rows}
        for column in run.columns:
            events = column.in_step(section.step.name)
            last = {event.phase: event.seq for event in events}
            by_seq = sorted(last, key=lambda phase: last[phase])
            assert by_seq == sorted(last, key=lambda phase: place[phase])
    revoked = row_of(run, "logout", Phase.CREDENTIAL_REVOKE)
    assert revoked < row_of(run, "logout", Phase.RESOURCE_RESPOND)


def test_what_nobody_did_stands_where_it_would_have_been_done(run: Run) -> None:
    attached = row_of(run, "read", Phase.CLIENT_ATTACH)
    assert row_of(run, "read", Phase.CSRF_CHECK) == attached + 1


def test_equal_neighbours_make_one_span() -> None:
    spans = spans_of({1: "a", 2: "a", 3: "b", 4: "a"})
    assert [(one.first, one.last, one.value) for one in spans] == [
        (1, 2, "a"),
        (3, 3, "b"),
        (4, 4, "a"),
    ]
    assert [one.length for one in spans] == [2, 1, 1]


def test_every_column_says_who_holds_what_after_every_row(run: Run) -> None:
    numbers = [row.number for section in align(run) for row in section.rows]
    held = holdings(run)
    assert list(held) == STRATEGIES
    assert all(list(rows) == numbers for rows in held.values())


def test_the_browser_drops_its_copy_at_the_logout_and_the_thief_keeps_his(run: Run) -> None:
    held = holdings(run)["jwt"]
    forgot = row_of(run, "logout", Phase.CLIENT_FORGET)
    assert texts(held[forgot - 1], Holder.JAR) == ["tok#1", "ref#1"]
    assert texts(held[forgot], Holder.JAR) == []
    assert texts(held[max(held)], Holder.THIEF) == ["tok#1", "ref#1"]


@pytest.mark.parametrize(("strategy", "label"), [("session", "sid#1"), ("hybrid", "ref#1")])
def test_the_store_has_a_row_from_the_login_to_the_revocation(
    run: Run, strategy: str, label: str
) -> None:
    held = holdings(run)[strategy]
    issued = row_of(run, "login", Phase.CREDENTIAL_ISSUE)
    revoked = row_of(run, "logout", Phase.CREDENTIAL_REVOKE)
    with_digest = [row for row in held if f"digest of {label}" in texts(held[row], Holder.STORE)]
    assert with_digest == list(range(issued, revoked))
    assert any(one.startswith("revocation of ses_") for one in texts(held[revoked], Holder.STORE))


def test_at_the_end_the_store_holds_what_its_last_snapshot_holds(run: Run) -> None:
    for column in run.columns:
        end = holdings(run)[column.name]
        assert set(end[max(end)][Holder.STORE]) == set(kept_in(column.ledger))


def test_the_passphrase_is_in_the_hands_of_the_login_request_alone(run: Run) -> None:
    answered = row_of(run, "login", Phase.LOGIN_RESPOND)
    for rows in holdings(run).values():
        for number, hands in rows.items():
            holding = {
                one
                for one, things in hands.items()
                if any(held.thing is Thing.PASSPHRASE for held in things)
            }
            assert holding == ({Holder.LOGIN} if number <= answered else set())


def test_only_a_process_that_signs_holds_a_key(run: Run) -> None:
    held = holdings(run)
    last = max(held["jwt"])
    assert texts(held["jwt"][last], Holder.SERVER)[0].startswith("key ")
    assert texts(held["hybrid"][last], Holder.SERVER)[-1] == "copy of the revocation log"
    assert Holder.SERVER not in held["session"][last]


def test_equal_labels_of_two_columns_are_told_apart_by_their_fingerprints(run: Run) -> None:
    held = holdings(run)
    kept = row_of(run, "login", Phase.CLIENT_STORE)
    jwt, hybrid = held["jwt"][kept][Holder.JAR][0], held["hybrid"][kept][Holder.JAR][0]
    assert (jwt.text, hybrid.text) == ("tok#1", "tok#1")
    assert jwt.fingerprint != hybrid.fingerprint


def test_the_holders_that_hold_something_are_named_in_their_order(run: Run) -> None:
    assert holders_of(holdings(run)) == (
        Holder.JAR,
        Holder.LOGIN,
        Holder.REQUEST,
        Holder.SERVER,
        Holder.STORE,
        Holder.THIEF,
    )


def test_the_phone_is_a_holder_of_its_own(played: Played) -> None:
    run = played("elsewhere").run
    for rows in holdings(run).values():
        last = rows[max(rows)]
        assert texts(last, Holder.PHONE)
        assert set(texts(last, Holder.PHONE)).isdisjoint(texts(last, Holder.JAR))


def tracks(run: Run, holder: Holder, thing: Thing) -> dict[str, Track]:
    return {
        name: track
        for group in tracked(run)
        for variable in group.variables
        for track in variable.tracks
        for name in track.columns
        if group.holder is holder and variable.thing is thing
    }


def test_every_variable_has_a_reading_after_every_row_in_every_column(run: Run) -> None:
    last = sum(len(section.rows) for section in align(run))
    for group in tracked(run):
        for variable in group.variables:
            named = [name for track in variable.tracks for name in track.columns]
            assert sorted(named) == sorted(STRATEGIES)
            for track in variable.tracks:
                assert [span.first for span in track.spans[1:]] == [
                    span.last + 1 for span in track.spans[:-1]
                ]
                assert (track.spans[0].first, track.spans[-1].last) == (1, last)


def test_the_passphrase_never_shows_and_is_out_of_scope_after_the_login_request(run: Run) -> None:
    answered = row_of(run, "login", Phase.LOGIN_RESPOND)
    for track in tracks(run, Holder.LOGIN, Thing.PASSPHRASE).values():
        assert {span.value.text for span in track.spans} == {
            "present, never recorded",
            "not in scope",
        }
        assert all(
            (track.at(row).state is State.OUT) == (row > answered)
            for row in range(1, track.spans[-1].last + 1)
        )
    elsewhere = [
        group.holder
        for group in tracked(run)
        for variable in group.variables
        if variable.thing is Thing.PASSPHRASE
    ]
    assert elsewhere == [Holder.LOGIN]


def test_a_token_is_destroyed_at_the_client_and_the_thief_still_holds_the_same(run: Run) -> None:
    last = sum(len(section.rows) for section in align(run))
    kept = row_of(run, "login", Phase.CLIENT_STORE)
    client = tracks(run, Holder.JAR, Thing.TOKEN)["jwt"]
    thief = tracks(run, Holder.THIEF, Thing.TOKEN)["jwt"]
    assert [span.value.state for span in client.spans] == [
        State.UNSET,
        State.VALUE,
        State.DESTROYED,
    ]
    assert thief.at(last).state is State.VALUE
    assert thief.at(last).held == client.at(kept).held


def test_the_outcome_of_the_check_belongs_to_one_request(run: Run) -> None:
    verified = row_of(run, "login", Phase.PASSWORD_VERIFY)
    track = tracks(run, Holder.LOGIN, Thing.OUTCOME)["session"]
    assert track.at(verified - 1).text == "unset"
    assert track.at(verified).text == "passphrase right"
    assert track.at(row_of(run, "read", Phase.CREDENTIAL_VALIDATE)).text == "not in scope"


def test_the_row_of_a_session_is_destroyed_by_the_logout(run: Run) -> None:
    revoked = row_of(run, "logout", Phase.CREDENTIAL_REVOKE)
    track = tracks(run, Holder.STORE, Thing.ROW)["session"]
    assert track.at(revoked - 1).text.startswith("row ses_")
    assert track.at(revoked).text == "destroyed"


def test_the_flow_draws_common_nodes_once_and_a_branch_for_each_column_elsewhere(run: Run) -> None:
    flow = flow_of(run)
    assert [node.id for node in flow if node.shared] == ["ask", "prove", "discard"]
    for node in flow:
        names = [branch.column for branch in node.branches]
        assert names == ([None] if node.shared else STRATEGIES)


@pytest.mark.parametrize("name", ["logout", "expiry", "wrong-password", "elsewhere"])
def test_every_node_and_every_answer_points_at_rows_that_exist(played: Played, name: str) -> None:
    run = played(name).run
    known = {row.number for section in align(run) for row in section.rows}
    pointed = [node.rows for node in flow_of(run)]
    pointed += [branch.rows for node in flow_of(run) for branch in node.branches]
    pointed += [a.rows for each in (*moments_of(run), *snapshot_of(run)) for a in each.answers]
    assert all(set(rows) <= known for rows in pointed)
    assert all(node.rows for node in flow_of(run) if node.id not in ("granted", "denied"))


def test_the_flow_has_the_branch_that_fails_and_says_what_refused(run: Run) -> None:
    denied = next(node for node in flow_of(run) if node.id == "denied")
    texts = {branch.column: " ".join(branch.texts) for branch in denied.branches}
    assert "by credential.validate" in texts["session"]
    assert "unknown_session" in texts["session"]
    assert "by revocation.check" in texts["hybrid"]


def test_ending_is_four_effects_and_none_of_them_reaches_a_copy(run: Run) -> None:
    end = next(node for node in flow_of(run) if node.id == "end")
    for branch in end.branches:
        assert [effect.done for effect in branch.effects] == [True, True, True, False]


def test_a_server_that_keeps_nothing_can_end_nothing() -> None:
    run = LOGOUT_REPLAY(setups=(SETUPS["jwt-only"],))
    end = next(node for node in flow_of(run) if node.id == "end")
    assert [effect.done for effect in end.branches[0].effects] == [True, False, False, False]
    answers = {each.id: each.answers[0].text for each in moments_of(run)}
    assert answers["K1c"] == "The client: tok#1. The store: nothing about this sign-in."
    assert answers["K2a"].startswith("Accepted in ")


def test_the_key_moments_are_the_measurements_of_the_run(run: Run) -> None:
    answers = {
        (each.id, name): answer.text
        for each in moments_of(run)
        for answer in each.answers
        for name in answer.columns
    }
    assert {name for name, _ in answers} == {"K1a", "K1b", "K1c", "K2a", "K2b", "K2c"}
    for column in run.columns:
        seen = finding_of(column).access
        word = "Accepted" if seen.refused_after is None else "No longer"
        assert answers["K2a", column.name].startswith(word)
        assert "the server cannot tell the two apart" in answers["K2c", column.name]
    token = (run.columns[0].tokens or {})["tok#1"]
    assert f"{token.octets} bytes" in answers["K1a", "jwt"]
    assert all(claim in answers["K1a", "jwt"] for claim in token.claims)
    assert answers["K1a", "session"] == "sid#1 is a random id: by itself it tells nothing."


def test_the_snapshot_counts_what_one_request_cost(run: Run) -> None:
    points = {
        (each.id, name): answer.text
        for each in snapshot_of(run)
        for answer in each.answers
        for name in answer.columns
    }
    assert {name for name, _ in points} == {"N1", "N2", "N3", "N4", "N5"}
    assert points["N3", "jwt"].startswith("Store reads: 0, writes: 0.")
    assert points["N3", "session"].startswith("Store reads: 1, writes: 0.")


@pytest.mark.parametrize("name", ["logout", "expiry", "wrong-password", "elsewhere"])
def test_every_row_says_why_and_every_cell_says_something(played: Played, name: str) -> None:
    for section in align(played(name).run):
        for row in section.rows:
            assert why(row).text
            for cell in row.cells:
                assert told(cell)
                assert all(told(cell))


def test_references_are_written_as_people_write_them() -> None:
    assert reference("RFC8725#3") == "RFC 8725, section 3"
    assert reference("RFC6265bis#4.1") == "RFC 6265bis, section 4.1"
    assert reference("NIST-800-63B-4#3.2.2") == "NIST SP 800-63B-4, section 3.2.2"
    assert reference("ASVS5-7.4.1") == "OWASP ASVS 5.0, 7.4.1"
    for names in REFERENCES.values():
        assert all(reference(name) != name for name in names)


def test_the_lines_shown_are_those_of_the_installed_files(run: Run) -> None:
    shown = {one for section in align(run) for row in section.rows for one in excerpts_of(row)}
    assert len(shown) > 5
    for one in shown:
        lines = (PACKAGE / one.file).read_text("utf-8").splitlines()
        assert list(one.lines) == lines[one.first - 1 : one.last]
        assert one.lines[0].lstrip().startswith(("def ", "async def ", "@"))
        assert one.function.rpartition(".")[2] in "".join(one.lines[:3])


@pytest.mark.parametrize("file", ["../pyproject.toml", "../../README.md", "lab/app.css", "no.py"])
def test_nothing_but_the_code_of_the_package_can_be_shown(file: str) -> None:
    assert excerpt(Source(file, 1, 3, "anything")) is None


def test_the_page_has_a_place_for_every_way_of_reading(recorded: Recorded) -> None:
    page = run_page(recorded.run)
    for name in ("flow", "steps", "execution", "tracker", "source", "moments", "transcript"):
        assert f'<h2 id="{name}">' in page
    for row in (row for section in align(recorded.run) for row in section.rows):
        assert f'id="row-{row.number}"' in page
        assert page.count(f'<article class="when" data-from="{row.number}"') == 1
    assert "not in scope" in page
    assert "destroyed" in page
    assert leaks(recorded.secrets, page) == []


def test_a_page_with_one_column_or_with_six_is_complete() -> None:
    for setups in ((SETUPS["session"],), tuple(SETUPS.values())):
        page = run_page(SCENARIOS["wrong-password"](setups=setups))
        assert page.count(">Input/State</th>") == len(setups)
        assert "401" in page

"""What the Compare view reads out of a run: computed from the trace, and true to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from labs import Recorded

from limen.lab.custody import kept_in
from limen.lab.holders import Hands, Holder, holders_of, holdings
from limen.lab.lanes import align
from limen.lab.run import Run
from limen.lab.spans import spans_of
from limen.lab.things import Thing
from limen.phase import Phase

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

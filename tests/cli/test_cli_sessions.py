"""`limen sessions`."""

from __future__ import annotations

import re

import pytest
from terminal import EMAIL, PASSWORD, Terminal

from limen import Client


def test_a_device_list_shows_where_somebody_is_signed_in(ready: Terminal) -> None:
    with ready.limen() as auth:
        auth.sign_in(EMAIL, PASSWORD, client=Client("192.0.2.7", "Firefox\x1b[2J"))
    (session,) = ready.json("sessions", "list", EMAIL)["sessions"]
    assert session["id"].startswith("ses_")
    assert session["address"] == "192.0.2.7"
    assert session["strategy"] == "hybrid"
    shown = ready.ok("sessions", "list", EMAIL)
    assert session["id"] in shown
    assert "192.0.2.7" in shown
    assert "Firefox\ufffd[2J" in shown
    assert "Live sessions: 1" in shown


def test_no_credential_is_in_a_device_list(ready: Terminal) -> None:
    issued = ready.sign_in().issued
    assert issued.refresh is not None
    for said in (
        ready.ok("sessions", "list", EMAIL),
        ready.ok("sessions", "list", EMAIL, "--json"),
    ):
        assert issued.access.reveal() not in said
        assert issued.refresh.reveal() not in said


def test_one_session_ends_and_the_others_live(ready: Terminal) -> None:
    first, second = ready.sign_in().issued, ready.sign_in().issued
    said = ready.ok("sessions", "revoke", first.principal.session_id, LIMEN_STRATEGY="hybrid")
    assert re.fullmatch(r"1 session ended; no copy works after \S+ \(in \d\.\d s\)\.\n", said)
    left = ready.json("sessions", "list", EMAIL)["sessions"]
    assert [session["id"] for session in left] == [second.principal.session_id]


def test_a_command_that_is_not_told_the_strategy_promises_what_the_slowest_keeps(
    ready: Terminal,
) -> None:
    issued = ready.sign_in().issued
    said = ready.ok("sessions", "revoke", issued.principal.session_id, LIMEN_STRATEGY=None)
    assert re.search(r"no copy works after \S+ \(in 5 min\)\.\n", said)


@pytest.mark.proves("asvs:7.4.5")
def test_all_sessions_of_one_account_end(ready: Terminal) -> None:
    ready.sign_in()
    ready.sign_in()
    receipt = ready.json("sessions", "revoke", "--user", EMAIL)
    assert receipt["sessions_ended"] == 2
    assert ready.json("sessions", "list", EMAIL) == {"sessions": []}


def test_a_jwt_is_honest_about_its_copies(ready: Terminal) -> None:
    ready.sign_in()
    said = ready.ok("sessions", "revoke", "--user", EMAIL, LIMEN_STRATEGY="jwt")
    assert re.fullmatch(r"1 session ended; no copy works after \S+ \(in 5 min\)\.\n", said)


@pytest.mark.proves("asvs:7.4.5")
def test_everybody_needs_a_yes(ready: Terminal) -> None:
    ready.sign_in()
    refused = ready.run("sessions", "revoke", "--all")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert len(ready.json("sessions", "list", EMAIL)["sessions"]) == 1
    assert ready.ok("sessions", "revoke", "--all", "--yes").startswith("1 session ended")
    assert ready.json("sessions", "list", EMAIL) == {"sessions": []}


def test_an_unknown_session_exits_with_1(ready: Terminal) -> None:
    done = ready.run("sessions", "revoke", "ses_unknown")
    assert done.returncode == 1
    assert "There is no session ses_unknown." in done.stderr


@pytest.mark.parametrize(
    "words", [(), ("ses_a", "--all"), ("ses_a", "--user", EMAIL), ("--user", EMAIL, "--all")]
)
def test_exactly_one_thing_is_named(ready: Terminal, words: tuple[str, ...]) -> None:
    assert ready.run("sessions", "revoke", *words).returncode == 2

"""`limen users`."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time

import pytest
from terminal import EMAIL, LIMEN, PASSWORD, PATIENCE_S, Terminal

from limen import Reason, Refused
from limen.cli.users import REFUSALS

RECEIPT = r"no copy works after \d\d:\d\d:\d\dZ \(in \d\.\d s\)\."


def test_an_account_is_added_from_standard_input_and_can_sign_in(ready: Terminal) -> None:
    words = ("--name", "Grace", "--role", "admin", "--role", "staff", "--password-stdin")
    said = ready.ok("users", "add", "Grace@Example.org", *words, typed=f"{PASSWORD}\n")
    assert re.fullmatch(r"Added grace@example\.org as usr_\S{22}\.\n", said)
    account = ready.sign_in("grace@example.org").account
    assert account is not None
    assert (account.name, account.roles) == ("Grace", {"admin", "staff"})


def test_the_password_is_asked_for_twice_and_not_shown(ready: Terminal) -> None:
    screen, status = typed_into(ready, ["users", "add", "grace@example.org"], [PASSWORD] * 2)
    assert status == 0
    assert "Password" in screen
    assert PASSWORD not in screen
    assert ready.sign_in("grace@example.org").account


def test_two_passwords_that_differ_are_asked_for_again(ready: Terminal) -> None:
    answers = [PASSWORD, "something else entirely", PASSWORD, PASSWORD]
    screen, status = typed_into(ready, ["users", "add", "grace@example.org"], answers)
    assert status == 0
    assert "do not match" in screen


def typed_into(terminal: Terminal, words: list[str], answers: list[str]) -> tuple[str, int]:
    """Run a command at a terminal, answer each question, and return what was on the screen."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [LIMEN, *words],
        cwd=terminal.home,
        env=terminal.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
        start_new_session=True,
    )
    os.close(theirs)
    screen, left, until = "", list(answers), time.monotonic() + PATIENCE_S
    asked = 0
    while time.monotonic() < until:
        if not select.select([ours], [], [], 0.1)[0]:
            if command.poll() is not None:
                break
            continue
        try:
            screen += os.read(ours, 4096).decode()
        except OSError:  # the other end is closed
            break
        if left and screen.count(": ") > asked and screen.endswith(": "):
            asked = screen.count(": ")
            os.write(ours, left.pop(0).encode() + b"\n")
    os.close(ours)
    return screen, command.wait(PATIENCE_S)


def test_without_a_terminal_it_does_not_wait_for_a_password(ready: Terminal) -> None:
    done = ready.run("users", "add", "grace@example.org")
    assert done.returncode == 2
    assert "--password-stdin" in done.stderr


def test_a_password_is_never_an_argument(ready: Terminal) -> None:
    done = ready.run("users", "add", "grace@example.org", "--password", "x")
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("not an address", "quite long enough", "not an e-mail address"),
        (EMAIL, "quite long enough", "already an account"),
        ("new@example.org", "5h0rt!", "too short"),
        ("new@example.org", "", "too short"),
        ("new@example.org", "x" * 129, "too long"),
        ("new@example.org", "password123", "common"),
    ],
)
def test_a_refusal_says_why_and_exits_with_1(
    ready: Terminal, email: str, password: str, said: str
) -> None:
    done = ready.run("users", "add", email, "--password-stdin", typed=password)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert not password or password not in done.stderr


def test_every_refusal_of_a_new_account_has_a_sentence(ready: Terminal) -> None:
    possible = {Reason.MALFORMED, Reason.EMAIL_TAKEN}
    possible |= {reason for reason in Reason if reason.value.startswith("password_")}
    assert REFUSALS.keys() == possible


def test_a_password_that_is_not_utf8_is_a_usage_error(ready: Terminal) -> None:
    done = ready.run("users", "add", "new@example.org", "--password-stdin", typed=b"\xff\xfe\n")
    assert done.returncode == 2
    assert "UTF-8" in done.stderr


def test_listing_goes_page_by_page(ready: Terminal) -> None:
    with ready.limen() as auth:
        for number in range(4):
            auth.add_account(f"user{number}@example.org", PASSWORD)
    seen, after = [], ""
    while after is not None:
        page = ready.json("users", "list", "--limit", "2", "--after", after)
        seen += [user["email"] for user in page["users"]]
        after = page["next"]
    assert sorted(seen) == [EMAIL, *(f"user{number}@example.org" for number in range(4))]
    assert "limen users list --limit 2 --after usr_" in ready.ok("users", "list", "--limit", "2")
    assert ready.run("users", "list", "--limit", "0").returncode == 2


def test_a_listed_account_says_what_it_is(ready: Terminal) -> None:
    (user,) = ready.json("users", "list")["users"]
    assert user.pop("id").startswith("usr_")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user.pop("created_at"))
    assert user == {
        "email": EMAIL,
        "name": "Ada",
        "roles": ["admin"],
        "email_verified": False,
        "disabled": False,
    }


def test_control_characters_in_a_name_do_not_reach_the_terminal(ready: Terminal) -> None:
    with ready.limen() as auth:
        auth.add_account("evil@example.org", PASSWORD, "\x1b[31mroot\r\n\x07[bold]")
    shown = ready.ok("users", "list")
    assert not set("\x1b\r\x07") & set(shown)
    assert "\ufffd[31mroot\ufffd\ufffd\ufffd[bold]" in shown
    ready.ok("users", "list", "--json")


@pytest.mark.proves("asvs:7.4.2")
def test_disabling_ends_the_sessions_and_says_by_when(ready: Terminal) -> None:
    ready.sign_in()
    ready.sign_in()
    said = ready.ok("users", "disable", EMAIL, LIMEN_STRATEGY="hybrid")
    assert re.fullmatch(rf"Disabled {EMAIL}: 2 sessions ended; {RECEIPT}\n", said)
    with ready.limen() as auth:
        assert auth.sign_in(EMAIL, PASSWORD) == Refused(Reason.BAD_CREDENTIALS)
    assert "disabled" in ready.ok("users", "list")
    assert ready.ok("users", "enable", EMAIL) == f"Enabled {EMAIL}.\n"
    assert ready.sign_in().account


def test_a_session_strategy_says_that_it_counts_at_once(ready: Terminal) -> None:
    said = ready.ok("users", "disable", EMAIL, LIMEN_STRATEGY="session")
    assert said == f"Disabled {EMAIL}: 0 sessions ended; no copy works any more.\n"


def test_an_account_can_be_named_by_its_id(ready: Terminal) -> None:
    (user,) = ready.json("users", "list")["users"]
    receipt = ready.json("users", "disable", user["id"])
    assert receipt["user"] == user["id"]
    assert receipt["sessions_ended"] == 0
    assert receipt["effective_at"].endswith("Z")
    assert ready.json("users", "enable", user["id"]) == {"user": user["id"], "disabled": False}


@pytest.mark.parametrize("who", ["nobody@example.org", "usr_nobody"])
def test_an_unknown_account_exits_with_1(ready: Terminal, who: str) -> None:
    for words in (
        ("users", "disable"),
        ("users", "enable"),
        ("users", "verify"),
        ("users", "delete", "--yes"),
        ("sessions", "list"),
    ):
        done = ready.run(*words, who)
        assert done.returncode == 1
        assert f"There is no account {who}." in done.stderr


@pytest.mark.proves("asvs:10.3.3")
def test_deleting_ends_the_sessions_and_frees_the_address(ready: Terminal) -> None:
    ready.sign_in()
    said = ready.ok("users", "delete", EMAIL, "--yes", LIMEN_STRATEGY="hybrid")
    assert re.fullmatch(rf"Deleted {EMAIL}: 1 session ended; {RECEIPT}\n", said)
    with ready.limen() as auth:
        assert auth.sign_in(EMAIL, PASSWORD) == Refused(Reason.BAD_CREDENTIALS)
    ready.ok("users", "add", EMAIL, "--password-stdin", typed=PASSWORD)
    assert ready.sign_in().account


def test_without_a_terminal_nothing_is_deleted_unless_told_twice(ready: Terminal) -> None:
    done = ready.run("users", "delete", EMAIL)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert ready.sign_in().account
    receipt = ready.json("users", "delete", EMAIL, "--yes", LIMEN_STRATEGY="session")
    assert receipt["user"].startswith("usr_")
    assert receipt["sessions_ended"] == 1


@pytest.mark.parametrize(("answer", "left"), [("n", 1), ("y", 0)])
def test_at_a_terminal_it_asks_before_it_deletes(ready: Terminal, answer: str, left: int) -> None:
    screen, status = typed_into(ready, ["users", "delete", EMAIL], [answer])
    assert EMAIL in screen
    assert status == left
    assert len(ready.json("users", "list")["users"]) == left


def test_an_address_is_verified_by_hand(ready: Terminal) -> None:
    assert ready.ok("users", "verify", EMAIL) == f"Verified {EMAIL}.\n"
    (user,) = ready.json("users", "list")["users"]
    assert user["email_verified"] is True
    assert ready.json("users", "verify", user["id"]) == user

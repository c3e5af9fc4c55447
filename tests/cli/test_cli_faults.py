"""Expected faults end in one sentence and an exit code."""

from __future__ import annotations

import socket

import pytest
from terminal import Terminal

COMMANDS_THAT_OPEN = [
    ("users", "list"),
    ("users", "disable", "ada@example.org"),
    ("sessions", "list", "ada@example.org"),
    ("sessions", "revoke", "--all", "--yes"),
    ("keys", "list"),
    ("keys", "rotate"),
    ("serve",),
]


@pytest.mark.parametrize("words", COMMANDS_THAT_OPEN, ids=" ".join)
def test_without_tables_it_says_to_migrate(terminal: Terminal, words: tuple[str, ...]) -> None:
    done = terminal.run(*words)
    assert done.returncode == 3
    assert (
        done.stderr == "limen: database (LIMEN_DATABASE): has no Limen tables. Run: limen migrate\n"
    )
    assert done.stdout == ""


def test_a_missing_secret_is_a_configuration_error(ready: Terminal) -> None:
    done = ready.run("users", "list", LIMEN_SECRET=None)
    assert done.returncode == 3
    assert done.stderr.startswith("limen: secret (LIMEN_SECRET): is missing.")


def test_another_secret_than_the_one_that_sealed_the_keys_is_named(ready: Terminal) -> None:
    done = ready.run("keys", "list", LIMEN_SECRET="Zq8vN2xLr5tWc7yBf0hJm3kPd6sGa9eU")
    assert done.returncode == 3
    assert "under another secret" in done.stderr


def test_a_missing_database_is_a_configuration_error(terminal: Terminal) -> None:
    for words in (("users", "list"), ("migrate",)):
        done = terminal.run(*words, LIMEN_DATABASE=None, LIMEN_STRATEGY="jwt")
        assert done.returncode == 3
        assert "LIMEN_DATABASE" in done.stderr


def test_a_nested_setting_is_named_by_its_variable(ready: Terminal) -> None:
    done = ready.run("users", "list", LIMEN_PASSWORD_MINIMUM="3")
    assert done.returncode == 3
    assert "(LIMEN_PASSWORD_MINIMUM)" in done.stderr
    done = ready.run("users", "list", LIMEN_COOKIE_SAME_SITE="loose")
    assert "(LIMEN_COOKIE_SAME_SITE)" in done.stderr


def test_a_contradiction_is_shown_after_the_settings(terminal: Terminal) -> None:
    done = terminal.run("settings", LIMEN_IDLE="9000000")
    assert done.returncode == 3
    assert "limen: idle (LIMEN_IDLE): is longer than `absolute`." in done.stderr
    assert "9e+06" in done.stdout or "9000000" in done.stdout


@pytest.mark.parametrize("words", [("users", "list"), ("migrate",), ("migrate", "--check")])
def test_a_database_that_does_not_answer_is_exit_4_without_its_password(
    terminal: Terminal, words: tuple[str, ...]
) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"postgresql+asyncpg://limen:hunter2@127.0.0.1:{port}/limen"
        done = terminal.run(*words, "--database", url)
    assert done.returncode == 4
    assert done.stderr.startswith("limen: the database did not serve")
    assert "Check that the servers in LIMEN_DATABASE" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_folder_that_is_missing_is_a_store_that_is_unavailable(terminal: Terminal) -> None:
    done = terminal.run("migrate", "--database", f"sqlite:///{terminal.home}/no/app.db")
    assert done.returncode == 4


def test_a_wrong_database_url_is_not_repeated(terminal: Terminal) -> None:
    for url in ("hunter2", "mysql://u:hunter2@db/app"):
        done = terminal.run("migrate", "--database", url)
        assert done.returncode == 3
        assert "hunter2" not in done.stdout + done.stderr

"""What a newcomer reads first."""

from __future__ import annotations

import pytest
import typer
from limens import SECRET
from terminal import Terminal
from typer.testing import CliRunner

from limen.cli.main import app
from limen.sealing import Secrets
from limen.transports.better_auth import cache_secret


def paths(command: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = getattr(command, "commands", {})
    return [words, *(p for name, one in below.items() for p in paths(one, (*words, name)))]


COMMANDS = paths(typer.main.get_command(app))


def test_every_expected_command_is_there() -> None:
    assert {" ".join(words) for words in COMMANDS} == {
        *(
            "",
            "secret",
            "settings",
            "migrate",
            "migrate-strategy",
            "doctor",
            "serve",
            "lab",
            "import",
        ),
        *("users", "users add", "users list", "users disable", "users enable"),
        *("users unlock", "users verify", "users delete"),
        *("sessions", "sessions list", "sessions revoke", "restored"),
        *("mail", "mail test"),
        *("audit", "audit list", "audit kinds"),
        *("keys", "keys list", "keys rotate", "keys retire", "keys remove"),
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_says_what_it_does_and_ends_with_an_example(
    terminal: Terminal, words: tuple[str, ...]
) -> None:
    text = terminal.ok(*words, "--help")
    usage, summary = text.split("\n\n")[:2]
    assert usage.startswith(f"Usage: {' '.join(('limen', *words))}")
    assert summary.strip().endswith(".")
    last = text.strip().split("\n\n")[-1].strip()
    assert last.startswith(("Example:", "Examples:", "First steps:"))
    assert "limen" in last


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_short_help_works_too(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, [*words, "-h"]).exit_code == 0


def test_the_main_help_lists_every_exit_code(terminal: Terminal) -> None:
    lines = [line.split()[0] for line in terminal.ok("--help").splitlines() if line.strip()]
    assert [code for code in lines if code.isdigit()] == ["0", "1", "2", "3", "4", "5"]


def test_the_main_help_installs_no_shell_completion(terminal: Terminal) -> None:
    assert "completion" not in terminal.ok("--help")


def test_a_mistyped_command_is_a_usage_error_that_names_the_nearest(terminal: Terminal) -> None:
    done = terminal.run("doctro")
    assert done.returncode == 2
    assert "doctor" in done.stderr


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert terminal.ok("--version").startswith("limen 0.")


def test_the_secret_of_the_cookie_cache_comes_from_the_one_that_is_configured(
    terminal: Terminal,
) -> None:
    printed = terminal.ok("secret", "--cookie-cache").strip()
    assert printed == cache_secret(Secrets.of(SECRET))
    assert terminal.run("secret", "--cookie-cache", LIMEN_SECRET=None).returncode != 0


def test_a_secret_is_fresh_and_accepted_as_one(terminal: Terminal) -> None:
    first, second = terminal.ok("secret").strip(), terminal.ok("secret").strip()
    assert first != second
    assert len(first) == 64
    report = terminal.json(
        "doctor",
        LIMEN_SECRET=first,
        LIMEN_DATABASE=None,
        LIMEN_STRATEGY="jwt",
        LIMEN_REFRESH="none",
    )
    assert report["errors"] == 0

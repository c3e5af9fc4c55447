"""`limen migrate`."""

from __future__ import annotations

from terminal import Terminal


def test_tables_are_made_once_and_then_up_to_date(terminal: Terminal) -> None:
    first = terminal.ok("migrate")
    assert "Applied 0001." in first
    assert "is now at revision" in first
    second = terminal.ok("migrate")
    assert "Applied" not in second
    assert "already up to date" in second


def test_it_needs_a_database_and_no_secret(terminal: Terminal) -> None:
    assert "Applied" in terminal.ok("migrate", LIMEN_SECRET=None)


def test_check_says_what_is_pending_and_changes_nothing(terminal: Terminal) -> None:
    pending = terminal.run("migrate", "--check")
    assert pending.returncode == 1
    assert "has no Limen tables" in pending.stderr
    assert not (terminal.home / "app.db").exists()
    terminal.ok("migrate")
    assert "is up to date" in terminal.ok("migrate", "--check")


def test_an_option_wins_over_the_environment(terminal: Terminal) -> None:
    terminal.ok("migrate", "--database", f"sqlite:///{terminal.home / 'other.db'}")
    assert (terminal.home / "other.db").exists()
    assert not (terminal.home / "app.db").exists()

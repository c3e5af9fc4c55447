"""The same commands against a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers import PostgresServer
from terminal import EMAIL, PASSWORD, Terminal


@pytest.fixture
def far(tmp_path: Path, postgresql_url: str) -> Terminal:
    """Give a terminal whose database is a PostgreSQL."""
    return Terminal(tmp_path, postgresql_url)


def test_accounts_sessions_keys_and_doctor_work(far: Terminal) -> None:
    far.ok("users", "add", EMAIL, "--password-stdin", typed=PASSWORD)
    far.sign_in()
    assert len(far.json("sessions", "list", EMAIL)["sessions"]) == 1
    assert len(far.json("keys", "list")["keys"]) == 2
    report = far.json("doctor")
    assert report["errors"] == 0
    # The clock of the database was compared.
    assert "clock" not in {one["subject"] for one in report["unchecked"]}
    assert far.json("users", "disable", EMAIL)["sessions_ended"] == 1


def test_an_empty_database_is_migrated(far: Terminal, postgresql: PostgresServer) -> None:
    url = postgresql.database(empty=True)
    try:
        assert far.run("migrate", "--check", "--database", url).returncode == 1
        done = far.run("doctor", "--json", "--database", url)
        assert "has no Limen tables" in json.loads(done.stdout)["findings"][0]["sentence"]
        assert "Applied" in far.ok("migrate", "--database", url)
        assert "already up to date" in far.ok("migrate", "--database", url)
    finally:
        postgresql.drop(url)

"""A terminal in an empty folder, and one with tables and an account."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import EMAIL, PASSWORD, Terminal

from limen.stores.sql import migrate


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Give a terminal whose database does not exist yet."""
    return Terminal(tmp_path)


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    """Give a terminal whose database has tables and the account of Ada."""
    migrate(terminal.database)
    with terminal.limen() as auth:
        auth.add_account(EMAIL, PASSWORD, "Ada", roles=["admin"])
    return terminal

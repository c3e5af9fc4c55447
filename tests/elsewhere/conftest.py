"""Databases of other libraries, and a Limen that takes their users over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from better_auths import BetterAuth
from terminal import Terminal

from limen.stores.sql import migrate


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def ready(tmp_path: Path, template: Path) -> Terminal:
    """Give a terminal whose database has tables and nobody in them."""
    home = tmp_path / "limen"
    home.mkdir()
    shutil.copy(template, home / "app.db")
    return Terminal(home)


@pytest.fixture
def better_auth(tmp_path: Path, installed: Path) -> BetterAuth:
    """Give a better-auth server over an empty file."""
    return BetterAuth(installed, tmp_path / "better-auth.db")

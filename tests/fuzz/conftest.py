"""The fuzz targets of the project's own folder, and a migrated database to copy."""

import sys
from pathlib import Path

import pytest

from limen.stores.sql import migrate

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path

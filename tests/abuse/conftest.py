"""The service over each store, for scenes that are played at it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sieges import Play, player

from limen.stores.sql import migrate


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def play(migrated: Path, tmp_path: Path) -> Play:
    """Give a function that plays a scene at a service over SQLite."""
    database = tmp_path / "limen.db"
    shutil.copy(migrated, database)
    return player(database=f"sqlite+aiosqlite:///{database}")


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def play_everywhere(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> Play:
    """Give that over each store in turn."""
    if request.param == "postgresql":
        return player(database=request.getfixturevalue("postgresql_url"))
    database = tmp_path / "limen.db"
    shutil.copy(migrated, database)
    given = {"database": f"sqlite+aiosqlite:///{database}"}
    if request.param == "redis":
        given["redis"] = request.getfixturevalue("redis_url")
    return player(**given)

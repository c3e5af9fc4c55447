"""What the tests of faults begin with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import close_all

from limen.stores.sql import migrate


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close whatever a test has opened."""
    yield
    close_all()


@pytest.fixture(scope="session")
def migrated() -> Iterator[Path]:
    """Give a migrated, empty SQLite file to copy; copies go beside it.

    In memory where the system has a folder for that: nothing here is about a disk.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "limen.db"
        migrate(f"sqlite+aiosqlite:///{path}")
        yield path

"""Real providers for the whole session, and the service of the other tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Live, serve
from walks import Identities, running

from limen.stores.sql import migrate


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def identities() -> Iterator[Identities]:
    """Give a provider."""
    with running() as one:
        yield one


@pytest.fixture(scope="session")
def rival() -> Iterator[Identities]:
    """Give another provider, with other keys and the same people."""
    with running() as one:
        yield one


@pytest.fixture
def start(migrated: Path, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Give a function that starts the service: `start("hybrid", providers=[...])`."""
    with contextlib.ExitStack() as stack:

        def begin(strategy: str = "session", **options: Any) -> Live:
            return stack.enter_context(serve(migrated, tmp_path, strategy, **options))

        yield begin


@pytest.fixture(scope="module")
def live(
    migrated: Path, identities: Identities, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Give one service with one provider to a whole module; people are the tests' own."""
    providers = [identities.registered(keep_tokens=True)]
    home = tmp_path_factory.mktemp("social")
    with serve(migrated, home, "session", providers=providers) as one:
        yield one

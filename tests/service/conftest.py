"""A running service for each test, or for each module that only reads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live import STRATEGIES, Live, serve

from limen.stores.sql import migrate


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def start(template: Path, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Give a function that starts the service: `start("hybrid", base_url=...)`."""
    with contextlib.ExitStack() as stack:
        count = 0

        def begin(strategy: str = "session", **options: Any) -> Live:
            nonlocal count
            count += 1
            home = tmp_path / str(count)
            home.mkdir()
            return stack.enter_context(serve(template, home, strategy, **options))

        yield begin


@pytest.fixture(params=STRATEGIES)
def live(request: pytest.FixtureRequest, start: Callable[..., Live]) -> Live:
    """Give the service under each strategy in turn."""
    return start(request.param)


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give one service to a whole module, under `hybrid`; accounts are the tests' own."""
    with serve(template, tmp_path_factory.mktemp("shared"), "hybrid") as live:
        yield live

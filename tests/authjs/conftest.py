"""A running service with the second mount."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from authjs_visitors import VERSIONS, Visitor, encrypted, person, settings
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
    """Give a function that starts the service: `start(5, "hybrid", base_url=...)`."""
    with contextlib.ExitStack() as stack:

        def begin(version: int = 5, strategy: str = "session", **options: Any) -> Live:
            home = tmp_path / str(len(list(tmp_path.iterdir())))
            home.mkdir()
            options.setdefault("authjs", settings(version))
            return stack.enter_context(serve(template, home, strategy, **options))

        yield begin


@pytest.fixture(scope="module", params=VERSIONS)
def shared(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Give one service for a whole module, under each version in turn; somebody has an account."""
    home = tmp_path_factory.mktemp("shared")
    with serve(template, home, "hybrid", authjs=settings(request.param)) as live:
        person(live)
        yield live


@pytest.fixture
def visitor(shared: Live) -> Visitor:
    """Give a browser of its own to each test."""
    return Visitor(shared)


@pytest.fixture(params=[(v, s) for v in VERSIONS for s in STRATEGIES], ids=str)
def everywhere(request: pytest.FixtureRequest, start: Callable[..., Live]) -> Visitor:
    """Give a browser under each version and strategy, with the token that Next.js reads."""
    version, strategy = request.param
    live = start(version, strategy, authjs=encrypted(version))
    person(live)
    return Visitor(live)

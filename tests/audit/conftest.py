"""A running service for a module, and databases whose log can be broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live import Live, serve

from limen.stores.sql import migrate


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give one service to a whole module, under `hybrid`."""
    home = tmp_path_factory.mktemp("audit")
    template = home / "template.db"
    migrate(f"sqlite+aiosqlite:///{template}")
    with serve(template, home, "hybrid") as running:
        yield running

"""A world for each strategy and store, and what is checked of every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from servers import PostgresServer

pytest.register_assert_rewrite("inspection", "parties", "cells")

# They assert as well, so what is said when they fail must be known before they are loaded.
from arena import World, worlds  # noqa: E402
from cells import Cell  # noqa: E402
from inspection import Watch  # noqa: E402
from matrix import Without  # noqa: E402


@pytest.fixture(scope="session")
def world_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], World]]:
    """Give a function that returns the world of a strategy and a store, opened once."""

    def postgresql() -> PostgresServer:
        server: PostgresServer = request.getfixturevalue("postgresql")
        return server

    with worlds(postgresql, tmp_path_factory.mktemp("attacks")) as world:
        yield world


@pytest.fixture
def cell(request: pytest.FixtureRequest, world_of: Callable[[str, str], World]) -> Iterator[Cell]:
    """Give one cell of the matrix, and judge afterwards what was logged and traced."""
    row, strategy, store, attack = request.param
    watch = Watch()
    world = world_of(strategy, store)
    world.begin()
    begun = world.audited_since(0, newest=True)
    watch.begin()
    try:
        made = Cell(row, strategy, store, world, watch, attack)
        with made.closing:
            yield made
        events = world.audited_since(begun[0].seq if begun else 0)
        watch.judge_records(world.sink, events)
        if row.told is not None and not isinstance(made.expected, Without):
            assert row.told in {event.kind for event in events}
    finally:
        watch.end()

"""What the tests of bound credentials share: somebody with a key, a thief, and real stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from holders import Holder
from limens import STRATEGIES
from servers import PostgresServer, RedisServer

from limen.stores.sql import migrate

STORES = ("sqlite", "postgresql", "redis")


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> str:
    """Give each strategy in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def holder() -> Holder:
    """Give somebody with a key."""
    return Holder()


@pytest.fixture(scope="session")
def thief() -> Holder:
    """Give somebody with another one."""
    return Holder()


@pytest.fixture(params=STORES)
def kept(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgresql: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[dict[str, Any]]:
    """Give the settings of each kind of store in turn, empty."""
    if request.param == "postgresql":
        url = postgresql.database()
        yield {"database": url}
        postgresql.drop(url)
        return
    url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
    migrate(url)
    if request.param == "sqlite":
        yield {"database": url}
        return
    with redis_server.client() as client:
        client.flushall()
    yield {"database": url, "redis": redis_server.url}

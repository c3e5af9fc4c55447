"""What the tests of the Redis stores begin with."""

from collections.abc import Iterator

import pytest
from redises import store_over
from servers import RedisServer

from limen.stores.redis import BlockingRedisStore
from limen.stores.sql import migrate


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Give one module a Redis that it may kill."""
    made = RedisServer()
    yield made
    made.remove()


@pytest.fixture
def database(tmp_path) -> str:
    """Give one test a home for accounts."""
    url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
    migrate(url)
    return url


@pytest.fixture
def store(server: RedisServer, database: str) -> Iterator[BlockingRedisStore]:
    """Give one test a store over that Redis, which is empty."""
    with server.client() as client:
        client.flushall()
    made, _ = store_over(server.url, database)
    made.open()
    yield made
    made.close()

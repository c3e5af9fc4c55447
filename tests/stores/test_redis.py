"""The Redis stores over a real Redis, with a home in SQLite."""

import pytest

from limen.stores.redis import BlockingRedisStore, RedisStore
from limen.stores.sql import BlockingSqlStore, SqlStore
from limen.testing.stores import MakeStore, StoreSuite, ThreadedStore

PATIENCE_MS = 60_000  # a busy machine is no fault


class TestRedisStore(StoreSuite):
    @pytest.fixture
    def make_store(self, redis_url: str, database: str) -> MakeStore:
        def make() -> RedisStore:
            home = SqlStore(database, timeout_ms=PATIENCE_MS)
            return RedisStore(redis_url, home, timeout_ms=PATIENCE_MS)

        return make


class TestBlockingRedisStore(StoreSuite):
    @pytest.fixture
    def make_store(self, redis_url: str, database: str) -> MakeStore:
        def make() -> ThreadedStore:
            home = BlockingSqlStore(database, timeout_ms=PATIENCE_MS)
            return ThreadedStore(BlockingRedisStore(redis_url, home, timeout_ms=PATIENCE_MS))

        return make

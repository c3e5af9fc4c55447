"""Each strategy keeps its promises with sessions in Redis and accounts in SQLite."""

import pytest
from limens import QUICK

from limen import Limen
from limen.stores.redis import RedisStore
from limen.stores.sql import SqlStore, migrate
from limen.testing import StrategySuite


class OverRedis(StrategySuite):
    """Not collected itself: its name does not begin with Test."""

    name = "hybrid"

    @pytest.fixture(autouse=True)
    def prepared(self, tmp_path, redis_url):
        self.database = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        self.redis = redis_url
        migrate(self.database)

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        store = RedisStore(self.redis, SqlStore(self.database))
        return Limen(self.name, store=store, **given)


class TestHybridOverRedis(OverRedis):
    name = "hybrid"


class TestSessionOverRedis(OverRedis):
    name = "session"


class TestJwtOverRedis(OverRedis):
    name = "jwt"

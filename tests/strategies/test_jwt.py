"""`jwt` keeps its promises over every store."""

import pytest
from limens import QUICK

from limen import Limen
from limen.stores.memory import MemoryStore
from limen.stores.sql import migrate
from limen.testing import StrategySuite


class TestJwtOverMemory(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self):
        self.store = MemoryStore()

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("jwt", store=self.store, **given)


class TestJwtOverSqlite(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self, tmp_path):
        self.url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        migrate(self.url)

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("jwt", database=self.url, **given)


class TestJwtWithoutStore(StrategySuite):
    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("jwt", refresh=None, **given)

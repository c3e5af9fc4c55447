"""`session` keeps its promises over every store."""

import pytest
from limens import QUICK

from limen import Limen
from limen.stores.memory import MemoryStore
from limen.stores.sql import migrate
from limen.testing import StrategySuite


class TestSessionOverMemory(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self):
        self.store = MemoryStore()

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("session", store=self.store, **given)


class TestSessionOverSqlite(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self, tmp_path):
        self.url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        migrate(self.url)

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("session", database=self.url, **given)

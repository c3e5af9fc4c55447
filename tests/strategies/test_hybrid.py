"""`hybrid` keeps its promises over every store."""

import pytest
from limens import QUICK

from limen import Limen
from limen.stores.memory import MemoryStore
from limen.stores.sql import migrate
from limen.testing import StrategySuite


class TestHybridOverMemory(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self):
        self.store = MemoryStore()

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("hybrid", store=self.store, **given)


class TestHybridOverSqlite(StrategySuite):
    @pytest.fixture(autouse=True)
    def prepared(self, tmp_path):
        self.url = f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        migrate(self.url)

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("hybrid", database=self.url, **given)


class TestHybridAskingTheStore(TestHybridOverMemory):
    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        return Limen("hybrid", check="store", store=self.store, **given)


class TestHybridInAHurry(TestHybridOverMemory):
    """Every other time is another one, so that no promise holds by the defaults' luck."""

    def make_limen(self, clock, entropy, sink):
        given = QUICK | {"clock": clock, "entropy": entropy, "sink": sink}
        given |= {"access_lifetime": 30, "idle": 60, "absolute": 150, "max_lag": 7, "grace": 0}
        return Limen("hybrid", store=self.store, **given)

"""The memory store, by both of its faces."""

import pytest

from limen.stores.memory import BlockingMemoryStore, MemoryStore
from limen.testing.stores import MakeStore, StoreSuite, ThreadedStore


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return MemoryStore


class TestBlockingMemoryStore(StoreSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return lambda: ThreadedStore(BlockingMemoryStore())

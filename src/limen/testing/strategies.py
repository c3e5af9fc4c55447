"""The conformance kit for strategies: it measures what `Guarantees` promise.

Subclass it in a test module and say how a process over one shared store is made:

    class TestMyStrategy(StrategySuite):
        @pytest.fixture(autouse=True)
        def prepared(self):
            self.store = MemoryStore()

        def make_limen(self, clock, entropy, sink):
            return Limen("hybrid", store=self.store, secret=SECRET,
                         clock=clock, entropy=entropy, sink=sink)

        def make_strategy(self, parts):
            return MyStrategy(...)  # leave this out to judge the one that the name chose

Each call of `make_limen` is one more process. Nothing here knows how a strategy works: its
promises are compared with what real runs did.
"""

from __future__ import annotations

from limen.testing.strategy_cases.conduct import ConductCases
from limen.testing.strategy_cases.promises import CostCases, LifetimeCases, RevocationCases
from limen.testing.strategy_cases.stage import Casting, Process, Stage, install

__all__ = ["Casting", "Process", "Stage", "StrategySuite", "install"]


class StrategySuite(CostCases, RevocationCases, LifetimeCases, ConductCases):
    """Everything that a strategy must do, and every field of its `Guarantees` measured."""

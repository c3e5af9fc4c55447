"""What the tests of Limen are made of, for your tests too.

`StoreSuite` and `StrategySuite` judge a store or a strategy of yours; clocks and randomness
that tests hold in their hands; `feed` drives a flow by hand. `faulty` has stores that fail when
they are told to, and `interleaving` runs two flows in every order of their questions.
"""

from limen.testing.clock import FrozenClock as FrozenClock
from limen.testing.clock import StepClock as StepClock
from limen.testing.entropy import SeededEntropy as SeededEntropy
from limen.testing.flows import FlowTranscript as FlowTranscript
from limen.testing.flows import feed as feed
from limen.testing.flows import overheard as overheard
from limen.testing.stores import StoreSuite as StoreSuite
from limen.testing.strategies import StrategySuite as StrategySuite

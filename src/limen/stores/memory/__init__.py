"""A store in the memory of one process: for tests, the Lab and single-process trials.

Nothing survives the process and nothing is shared with another one. Its size is bounded
only by `Purge`, so it is no store for a service that runs for long.
"""

from limen.stores.memory.store import BlockingMemoryStore as BlockingMemoryStore
from limen.stores.memory.store import MemoryStore as MemoryStore

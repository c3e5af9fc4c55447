"""What one run of the simulation assumes. Times are in milliseconds, as fractions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from limen.feeds.following import HEARTBEATS
from limen.settings import Settings
from limen.stores.sql.database import TIMEOUT_MS as _TIMEOUT_MS

FeedKind: TypeAlias = Literal["bell", "poll", "relay"]
BreakLease: TypeAlias = Literal["ignore", "from-reply", "no-age"]

# From the code of today.
_SETTINGS = Settings(strategy="jwt", refresh=None)
MAX_LAG_MS = round(_SETTINGS.max_lag * 1000)
INTERVAL_MS = round(_SETTINGS.feed_interval * 1000)
HEARTBEAT_MS = max(INTERVAL_MS, MAX_LAG_MS / HEARTBEATS)
TIMEOUT_MS = float(_TIMEOUT_MS)  # of a look, and of connecting

RETRANSMIT_MS = 200.0  # what TCP waits at least before it repeats a lost packet, then twice that


@dataclass(frozen=True, slots=True)
class Network:
    """One way between a node and what it looks at: log-normal, plus lost packets."""

    median_ms: float = 0.25
    sigma: float = 0.5
    packet_loss: float = 0.0001
    bell_loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Host:
    """How a node itself delays: a busy event loop, and stalls of the process or machine."""

    loop_median_ms: float = 0.3
    loop_sigma: float = 1.0
    stall_every_s: float = 60.0
    stall_median_ms: float = 30.0
    stall_sigma: float = 1.2
    checks_per_s: float = 200.0  # authenticated requests; each reads the store in fall-back


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong. Windows are `(start_s, length_s)`; in a cut, packets vanish silently."""

    cut_every_s: float = 0.0  # for each node; 0 is never
    cut_median_s: float = 1.0
    cut_sigma: float = 1.0
    partition: tuple[float, float] | None = None  # from everything
    partition_share: float = 0.0  # of the nodes, or of the relays if there are any
    feeds_cut: tuple[float, float] | None = None  # looks and bells of all; store reads work
    outage: tuple[float, float] | None = None  # the store refuses every connection


@dataclass(frozen=True, slots=True)
class Costs:
    """What looks, bells and reads cost what answers them, and the node; see `costs.py`."""

    cores: float
    append_ms: float  # the log takes appends one by one
    append_us: float
    look_us: float
    entry_us: float
    bell_us: float
    find_us: float
    trips: int  # round trips of a look
    node_look_us: float
    node_entry_us: float
    bell_is_asked: bool = False  # by a blocking read after each look, as of Redis
    usable: float = 0.7  # of the cores, for the log

    @property
    def capacity(self) -> float:
        """How many cores the log may use."""
        return self.cores * self.usable


@dataclass(frozen=True, slots=True)
class Setup:
    """One run."""

    nodes: int
    per_s: float  # revocations
    costs: Costs
    feed: FeedKind = "bell"
    relays: int = 0
    relay_every_ms: float = 50.0  # a relay looks so often, and hands on what came
    relay_costs: Costs | None = None
    seconds: float = 20.0
    warm_up_s: float = 3.0
    seed: int = 1
    network: Network = field(default_factory=Network)
    host: Host = field(default_factory=Host)
    trouble: Trouble = field(default_factory=Trouble)
    break_lease: BreakLease | None = None

"""The model: nodes follow one log, as discrete events in simulated time.

A node asks; the question travels, queues at its source, is answered with every entry that is
visible there, and travels back; the node takes the entries in. What it then knows is complete
as of the moment at which it *asked*, and until `max_lag` after that moment it answers from
memory. A source is the store, or a relay: a node that others follow, which says with every
answer how old its own knowledge is, because that age comes off the lease of whoever asks it.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from enum import IntEnum
from random import Random

from bench.simulation import chance
from bench.simulation.judge import Judge
from bench.simulation.nodes import Node, Outcome, Source
from bench.simulation.parameters import HEARTBEAT_MS, INTERVAL_MS, MAX_LAG_MS, TIMEOUT_MS, Setup

HIGHEST_LOAD = 0.98  # above it the model would only show a queue that grows without end
TAIL_S = MAX_LAG_MS / 1000 + 0.5  # after the last entry that is counted


class Event(IntEnum):
    """What may happen next."""

    ASK = 0
    ARRIVE = 1
    REPLY = 2
    EXPIRE = 3


class Simulation:
    """One run; give it a setup and call `run` once."""

    def __init__(self, setup: Setup) -> None:
        """Draw everything that does not depend on what nodes do."""
        self.setup = setup
        self.random = Random(setup.seed)
        self.end = (setup.seconds + TAIL_S) * 1000
        self.commits = chance.commits(self.random, setup, self.end)
        costs = setup.costs
        self._find_load = setup.host.checks_per_s * costs.find_us / 1e6 / costs.capacity
        self._ring_ms = (
            setup.nodes * costs.bell_us / 1000 / costs.capacity
        )  # all bells of one entry
        self._bell_load = 0.0
        if setup.feed == "bell":
            self._bell_load = self._ring_ms * len(self.commits) / self.end
        self._queue: list[tuple[float, int, Event, Node, int, int, float]] = []
        self._order = 0
        self._lost = 0  # nodes that have fallen back
        self._most_lost = 0
        self._fall_back = self._refused = 0.0
        self._entries = 0
        self._gone = chance.windows_of(setup.trouble.outage)
        self.store = Source(costs)
        self.relays = [Node(number, self.store) for number in range(setup.relays)]
        self.nodes = self._fleet()
        counted = (setup.warm_up_s * 1000, setup.seconds * 1000)
        self.judge = Judge(self.commits, len(self.nodes), counted)

    def _fleet(self) -> list[Node]:
        setup = self.setup
        for relay in self.relays:
            relay.serves = Source(setup.relay_costs or setup.costs, relay)
        fleet = list(self.relays)
        for number in range(setup.nodes):
            above = self.relays[number % len(self.relays)].serves if self.relays else None
            fleet.append(Node(len(self.relays) + number, above or self.store))
        feeds_cut = chance.windows_of(setup.trouble.feeds_cut)
        parted = setup.trouble.partition_share * (setup.relays or setup.nodes)
        for node in fleet:
            node.stalls = chance.stalls(self.random, setup, self.end)
            cut = chance.cuts(self.random, setup, self.end, parted=node.number < parted)
            node.cuts = chance.merged(cut + feeds_cut)
            node.down = chance.merged(cut + self._gone)
        return fleet

    def run(self) -> Outcome:
        """Let it happen, and say what was seen."""
        for node in self.nodes:
            self._push(self.random.uniform(0, HEARTBEAT_MS), Event.ASK, node)
            self._watch(node)
        act = (self._ask, self._arrive, self._reply, self._expire)
        queue, end = self._queue, self.end
        while queue and queue[0][0] <= end:
            at, _, event, node, look, count, as_of = heapq.heappop(queue)
            act[event](at, node, look, count, as_of)
        for node in self.nodes:
            if node.from_memory:
                self.judge.answered(node.number, end, MAX_LAG_MS)
            else:
                self._count_fall_back(node, end)
        return self._outcome()

    def _push(
        self, at: float, event: Event, node: Node, look: int = 0, count: int = 0, as_of: float = 0.0
    ) -> None:
        self._order += 1
        heapq.heappush(self._queue, (at, self._order, event, node, look, count, as_of))

    # -- a look

    def _ask(self, at: float, node: Node, *_: object) -> None:
        awake = chance.ends_after(node.stalls, at)
        if awake > at:
            return self._push(awake, Event.ASK, node)
        node.look += 1
        node.asked = at
        if chance.ends_after(self._gone, at) > at:  # refused, and noticed at once
            return self._push(at + INTERVAL_MS, Event.ASK, node)
        arrives = at
        for _way in range(2 * self.setup.costs.trips - 1):
            arrives = self._delivered(node, arrives)
        if arrives > at + TIMEOUT_MS:
            return self._fail(at + TIMEOUT_MS, node)
        return self._push(arrives, Event.ARRIVE, node, node.look)

    def _delivered(self, node: Node, at: float) -> float:
        return chance.delivered(self.random, self.setup.network, node.cuts, at)

    def _fail(self, at: float, node: Node) -> None:
        """Let a look fail at a moment, as `FollowingFeed` does: first it learns to doubt its bell.

        The bell is silent for a heartbeat, does not answer for another, and is then opened anew.
        """
        node.failures += 1
        if self.setup.feed == "bell":
            if node.failures == 1:
                at += 2 * HEARTBEAT_MS
            else:
                at = min(self._delivered(node, at), at + TIMEOUT_MS)
        self._push(at + INTERVAL_MS, Event.ASK, node)

    def _arrive(self, at: float, node: Node, look: int, *_: object) -> None:
        if look != node.look:  # it was answered meanwhile
            return None
        source = node.source
        if source.relay is not None:
            awake = chance.ends_after(source.relay.stalls, at)
            if awake > at:
                return self._push(awake, Event.ARRIVE, node, look)
            until = node.asked + HEARTBEAT_MS
            if source.relay.known <= node.known and at < until:  # it waits there for news
                source.parked.append((node, look))
                return self._push(until, Event.ARRIVE, node, look)
        return self._answer(at, source, node)

    def _visible(self, source: Source, at: float) -> int:
        if source.relay is None:
            return bisect_right(self.commits, at)
        return source.relay.known

    def _answer(self, at: float, source: Source, node: Node) -> None:
        begins = max(at, source.free_at)
        count = max(node.known, self._visible(source, begins))
        work = source.look_ms + source.entry_ms * (count - node.known)
        source.free_at = begins + work / self._spare(source)
        source.busy += work if begins < self.end else 0
        source.answers += 1
        age = 0.0 if source.relay is None else begins - source.relay.as_of
        if self.setup.break_lease == "no-age":
            age = 0.0
        replied = self._delivered(node, source.free_at)
        node.look += 1  # the question is settled; only this answer still counts
        if replied > node.asked + TIMEOUT_MS:
            return self._fail(max(at, node.asked + TIMEOUT_MS), node)
        ready = self._taken_in(replied, node, count)
        return self._push(ready, Event.REPLY, node, node.look, count, node.asked - age)

    def _spare(self, source: Source) -> float:
        """Return the share of a source that bells and fall-back reads leave for looks."""
        if source.relay is not None:
            return 1.0
        load = self._bell_load + self._lost * self._find_load
        return 1 - min(load, HIGHEST_LOAD)

    def _taken_in(self, at: float, node: Node, count: int) -> float:
        """Return when a node that is answered at a moment knows what the answer says."""
        host, costs = self.setup.host, self.setup.costs
        ready = at + chance.log_normal(self.random, host.loop_median_ms, host.loop_sigma)
        ready = chance.ends_after(node.stalls, ready)
        work_us = costs.node_look_us + (count - node.known) * costs.node_entry_us
        return ready + work_us / 1000

    def _reply(self, at: float, node: Node, look: int, count: int, as_of: float) -> None:
        if look == node.look:
            node.failures = 0
            self._learn(at, node, count, as_of)
            self._push(self._next(at, node), Event.ASK, node)

    def _next(self, at: float, node: Node) -> float:
        """Return when a node that has just looked looks again."""
        match self.setup.feed:
            case "poll":
                return at + INTERVAL_MS
            case "relay":
                return at if node.serves is None else at + self.setup.relay_every_ms
            case _:
                return max(at, min(self._bell(at, node), at + HEARTBEAT_MS))

    def _bell(self, at: float, node: Node) -> float:
        """Return when the next bell is heard that was not heard before the last look.

        PostgreSQL sends its bells on. Redis is asked for the next one after each look, and
        what came before that is in the same answer.
        """
        if node.rung_at > node.asked:  # still on its way
            return node.rung_at
        asks = self.setup.costs.bell_is_asked
        waits_from = self._delivered(node, at) if asks else 0.0
        while node.bells < len(self.commits):
            rings = self.commits[node.bells]
            if rings > at + HEARTBEAT_MS:
                return math.inf
            node.bells += 1
            if asks and rings <= node.rings_until:
                continue
            if self.random.random() < self.setup.network.bell_loss:
                continue
            # Connections are rung one after the other; whose turn is when is chance.
            rings = max(rings, waits_from) + self.random.random() * self._ring_ms
            heard = max(node.rung_at, self._delivered(node, rings))
            if node.asked < heard < math.inf:
                node.rung_at, node.rings_until = heard, rings
                return heard
        return math.inf

    # -- what a node knows, and for how long

    def _learn(self, at: float, node: Node, count: int, as_of: float) -> None:
        if node.from_memory:
            self.judge.answered(node.number, at, MAX_LAG_MS)
        self.judge.learnt(node.number, count)
        self._entries += count - node.known if node.serves is None else 0
        node.known = count
        node.as_of = max(node.as_of, at if self.setup.break_lease == "from-reply" else as_of)
        if not node.from_memory and node.as_of + MAX_LAG_MS > at:
            self._count_fall_back(node, at)
            node.from_memory = True
            self._lost -= node.serves is None
            self._watch(node)
        if node.serves is not None:
            parked, node.serves.parked = node.serves.parked, []
            for waiting, look in parked:
                self._push(at, Event.ARRIVE, waiting, look)

    def _watch(self, node: Node) -> None:
        if not node.timer:
            node.timer = True
            self._push(node.as_of + MAX_LAG_MS, Event.EXPIRE, node)

    def _expire(self, at: float, node: Node, *_: object) -> None:
        node.timer = False
        if node.as_of + MAX_LAG_MS > at:
            return self._watch(node)
        if self.setup.break_lease == "ignore":
            return None
        self.judge.answered(node.number, at, MAX_LAG_MS)
        node.from_memory = False
        node.since = at
        self._lost += node.serves is None  # relays answer no requests
        self._most_lost = max(self._most_lost, self._lost)
        return None

    def _count_fall_back(self, node: Node, until: float) -> None:
        if node.serves is None:
            self._refused += chance.overlap(node.down, node.since, until)
            self._fall_back += until - node.since

    def _outcome(self) -> Outcome:
        setup, span_s = self.setup, self.end / 1000
        looks = sum(node.serves.answers for node in self.relays if node.serves)
        looks = looks or self.store.answers
        cpu_us = looks * setup.costs.node_look_us + self._entries * setup.costs.node_entry_us
        reading = (self._fall_back - self._refused) / self.end  # nodes, on average
        relays = [node.serves.busy / self.end for node in self.relays if node.serves]
        load = self.store.busy / self.end + self._bell_load + reading * self._find_load
        checks = setup.host.checks_per_s / self.end
        return Outcome(
            delta=self.judge.finish(),
            commits=len(self.commits),
            looks_per_s=self.store.answers / span_s,
            source_load=max(load, *relays, 0.0),
            node_looks_per_s=looks / span_s / setup.nodes,
            node_cpu=cpu_us / 1e6 / span_s / setup.nodes,
            fall_back=self._fall_back / self.end / setup.nodes,
            refused=self._refused / self.end / setup.nodes,
            most_in_fall_back=self._most_lost,
            fall_back_reads_per_s=(self._fall_back - self._refused) * checks,
            refusals_per_s=self._refused * checks,
        )

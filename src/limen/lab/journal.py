"""What an application that runs beside the Lab has done of late: bounded, in memory, masked."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from limen.lab.reading import words
from limen.lab.reading.telling import outcome_word
from limen.lab.reading.values import milliseconds, shown
from limen.trace.sink import DEFAULT_CAPACITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from limen.trace import TraceEvent
    from limen.trace.event import Recorded

OUTSIDE: Final = "-"


class Inbox:
    """The sink: takes an event by one append to a ring, and leaves everything else for later."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self.capacity = capacity
        self._events: deque[TraceEvent] = deque(maxlen=capacity)

    def emit(self, event: TraceEvent) -> None:
        """Take one event."""
        self._events.append(event)

    def taken(self) -> Iterator[TraceEvent]:
        """Yield and forget what is there; only one thread may do so."""
        # Whatever comes meanwhile waits for the next time: a flood must not keep anybody here.
        for _ in range(len(self._events)):
            yield self._events.popleft()


@dataclass(frozen=True, slots=True)
class Line:
    """One step as it is shown: nothing but text."""

    number: int
    request: str
    at: str
    phase: str
    action: str
    given: tuple[str, ...]
    word: str
    told: tuple[str, ...]
    store: str
    duration: str

    def as_json(self) -> dict[str, object]:
        """Return the line as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Visit:
    """The steps of one request, in their order."""

    request: str
    lines: tuple[Line, ...]


class Journal:
    """Numbers events as they are read, and keeps the newest of them."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._numbers = itertools.count(1)
        self._kept: deque[tuple[int, TraceEvent]] = deque(maxlen=inbox.capacity)
        self._requests: dict[str, str] = {OUTSIDE: "outside a request"}
        self._counted = 0

    def _read(self) -> None:
        for event in self._inbox.taken():
            self._kept.append((next(self._numbers), event))
        if len(self._requests) > 2 * self._inbox.capacity:
            named = {event.request_id for _, event in self._kept} | {OUTSIDE}
            self._requests = {one: name for one, name in self._requests.items() if one in named}

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """What is kept, oldest first."""
        self._read()
        return tuple(event for _, event in self._kept)

    def after(self, number: int, most: int) -> tuple[Line, ...]:
        """Return lines with greater numbers than this, oldest first and no more than `most`."""
        self._read()
        newer = ((one, event) for one, event in self._kept if one > number)
        return tuple(self._line(*one) for one in itertools.islice(newer, most))

    def visits(self, most: int) -> tuple[Visit, ...]:
        """Return the newest lines by request; requests in the order in which they began."""
        self._read()
        visits: dict[str, list[Line]] = {}
        for number, event in list(self._kept)[-most:]:
            line = self._line(number, event)
            visits.setdefault(line.request, []).append(line)
        return tuple(Visit(name, tuple(lines)) for name, lines in visits.items())

    def _line(self, number: int, event: TraceEvent) -> Line:
        return Line(
            number=number,
            request=self._name_of(event.request_id),
            at=f"{datetime.fromtimestamp(event.at / 1000, UTC):%H:%M:%S.%f}"[:-3],
            phase=event.phase.value,
            action=words.PHASES[event.phase][0],
            given=tuple(_pairs(event.given)),
            word=outcome_word(event),
            told=(*_checks(event), *_pairs(event.outcome)),
            store=_store(event),
            duration=milliseconds(event.duration_ns),
        )

    def _name_of(self, request_id: str) -> str:
        """Number the requests: their ids are long and random."""
        if request_id not in self._requests:
            self._counted += 1
            self._requests[request_id] = f"request {self._counted}"
        return self._requests[request_id]


def _pairs(values: Mapping[str, Recorded]) -> Iterator[str]:
    return (f"{name}: {shown(value)}" for name, value in values.items())


def _checks(event: TraceEvent) -> Iterator[str]:
    """Yield what was refused, each by itself, and then what held, in one line."""
    for check in event.checks:
        if not check.ok:
            yield f"no {check.name}{f', {check.reason}' if check.reason else ''}"
    held = [
        f"{check.name} ({shown(check.detail)})" if check.detail else check.name
        for check in event.checks
        if check.ok
    ]
    if held:
        yield f"ok {', '.join(held)}"


def _store(event: TraceEvent) -> str:
    effects = ", ".join(one.effect for one in event.operations)
    asked = [f"{event.reads} reads"] * bool(event.reads)
    asked += [f"{event.writes} writes"] * bool(event.writes)
    told = " and ".join(asked) or "not asked"
    return f"{told}: {effects}" if asked else f"{told}{f'; {effects}' * bool(effects)}"

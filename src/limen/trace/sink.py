"""Where trace events go: nowhere by default, or a bounded ring in memory."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from limen.trace.event import TraceEvent

DEFAULT_CAPACITY = 4_096


class Sink(Protocol):
    """Receives every event, in order. One that raises is dropped and the fault logged.

    Personal values, such as an e-mail address, are masked before they come here. Only a sink
    whose attribute `shows_personal` is true gets them, like the Lab's for its made-up people.

    Several processes whose sinks have the same `run_key`, 32 random bytes that are recorded
    nowhere, give a credential the same fingerprint.
    """

    def emit(self, event: TraceEvent) -> None:
        """Take one event; called within a request, so it must be quick."""
        ...


class NullSink:
    """Takes nothing. The engine treats it as no sink at all, so tracing costs one test."""

    def emit(self, event: TraceEvent) -> None:
        """Drop the event."""


class RingSink:
    """Keeps the newest `capacity` events in memory."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._events: deque[TraceEvent] = deque(maxlen=capacity)

    def emit(self, event: TraceEvent) -> None:
        """Keep the event, forgetting the oldest when full."""
        self._events.append(event)

    @property
    def events(self) -> tuple[TraceEvent, ...]:
        """The events that are held, oldest first."""
        return tuple(self._events)

    def clear(self) -> None:
        """Forget everything."""
        self._events.clear()

"""Turns what a flow yields into trace events, if and only if somebody listens."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limen.clock import elapsed_ns
from limen.evidence import Check, Checks, Enter, Evidence, Note
from limen.trace.event import REFERENCES, Operation, RecordedCheck, Source, TraceEvent
from limen.trace.sink import NullSink

if TYPE_CHECKING:
    from types import CodeType

    from limen.clock import Clock
    from limen.effects import AnyEffect, Flow, Observation
    from limen.phase import Phase
    from limen.trace.event import Recorded, Status
    from limen.trace.redaction import Redaction
    from limen.trace.sink import Sink

_log = logging.getLogger("limen.trace")
_PACKAGE = Path(__file__).parent.parent
# The spellings of a flow are not what it is about; skip them when looking for its code.
_SPELLINGS = frozenset({"ask", "check", "enter", "note", "record"})


@dataclass(frozen=True, slots=True)
class TraceContext:
    """What the events of one request have in common."""

    run: str = "live"
    request_id: str = "-"
    client: str = "-"
    actor: str = "server"
    parent: int | None = None


_NO_CONTEXT = TraceContext()
_context: ContextVar[TraceContext] = ContextVar("limen_trace_context", default=_NO_CONTEXT)


@contextmanager
def traced_as(**changes: Any) -> Iterator[TraceContext]:
    """Mark everything that happens inside with a run, request id, client or actor."""
    changed = replace(_context.get(), **changes)
    token = _context.set(changed)
    try:
        yield changed
    finally:
        _context.reset(token)


def traced_request() -> str | None:
    """Return what the trace calls the request that is being served, if anybody listens."""
    request_id = _context.get().request_id
    return None if request_id == _NO_CONTEXT.request_id else request_id


@dataclass(slots=True)
class _OpenStep:
    phase: Phase
    given: Mapping[str, Evidence]
    at: int
    started_ns: int
    source: Source | None
    checks: list[Check] = field(default_factory=list)
    notes: dict[str, Evidence] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)


class Tracer:
    """Makes recorders and sends their events to the sinks. `None` from `begin` means: nobody
    listens, do not even look.
    """

    def __init__(self, sink: Sink | None, clock: Clock, redaction: Redaction) -> None:
        self._sinks: tuple[Sink, ...] = ()
        self.listening = False  # read on every request
        self._clock = clock
        self._redact = redaction
        self._seq = itertools.count(1)
        if sink is not None:
            self.tell(sink)

    def tell(self, sink: Sink) -> None:
        """Send events to this sink as well, from now on."""
        if not isinstance(sink, NullSink):
            self._sinks = (*self._sinks, sink)
            self.listening = True

    def recorded(self, evidence: Evidence) -> Recorded:
        """Return what may be kept of a value, as in the events of this tracer."""
        return self._redact(evidence)

    def seen(self, digest: bytes) -> Recorded | None:
        """Return the label of a credential by its SHA-256 digest, if an event showed it."""
        return self._redact.seen(digest)

    def begin(self, strategy: str) -> Recorder | None:
        """Return a recorder for one flow, or `None` when there is no sink."""
        return Recorder(self, strategy, self._clock) if self._sinks else None

    def record(
        self,
        strategy: str,
        phase: Phase,
        given: Mapping[str, Evidence] | None = None,
        outcome: Mapping[str, Evidence] | None = None,
        checks: tuple[Check, ...] = (),
        *,
        badges: tuple[str, ...] = ("real",),
    ) -> None:
        """Record a step that is no flow: what an edge or a simulated client did."""
        if not self._sinks:
            return
        step = _OpenStep(phase, given or {}, self._clock.now(), elapsed_ns(), None)
        step.checks.extend(checks)
        step.notes.update(outcome or {})
        self.emit(strategy, step, badges=badges)

    def emit(
        self,
        strategy: str,
        step: _OpenStep,
        *,
        failed: bool = False,
        badges: tuple[str, ...] = ("real",),
    ) -> None:
        """Send one finished step; a sink that raises is dropped, never fatal."""
        context = _context.get()
        refused = any(not check.ok and check.reason is not None for check in step.checks)
        status: Status = "failed" if failed else "refused" if refused else "ok"
        event = TraceEvent(
            run=context.run,
            seq=next(self._seq),
            strategy=strategy,
            phase=step.phase,
            actor=context.actor,
            client=context.client,
            request_id=context.request_id,
            parent=context.parent,
            at=step.at,
            duration_ns=elapsed_ns() - step.started_ns,
            status=status,
            given=self._recorded(step.given),
            outcome=self._recorded(step.notes),
            checks=tuple(self._recorded_check(check) for check in step.checks),
            operations=tuple(step.operations),
            source=step.source,
            references=REFERENCES.get(step.phase, ()),
            badges=badges,
        )
        for sink in self._sinks:
            try:
                sink.emit(event)
            except Exception:  # noqa: BLE001 - whatever a sink raises is its own fault
                self._drop(sink)
                _log.exception("a trace sink failed and was dropped; requests are not affected")

    def _drop(self, sink: Sink) -> None:
        self._sinks = tuple(one for one in self._sinks if one is not sink)
        self.listening = bool(self._sinks)

    def _recorded(self, values: Mapping[str, Evidence]) -> dict[str, Recorded]:
        return {name: self._redact(value) for name, value in values.items()}

    def _recorded_check(self, check: Check) -> RecordedCheck:
        detail = None if check.detail is None else self._redact(check.detail)
        return RecordedCheck(
            check.name, check.ok, check.reason.value if check.reason else None, detail
        )


class Recorder:
    """Collects what one flow yields into steps, one event for each `Enter`."""

    __slots__ = ("_clock", "_strategy", "_tracer", "step")

    def __init__(self, tracer: Tracer, strategy: str, clock: Clock) -> None:
        self._tracer = tracer
        self._strategy = strategy
        self._clock = clock
        self.step: _OpenStep | None = None

    def observe(self, observation: Observation, flow: Flow[Any]) -> None:
        """Take in what a flow says of itself."""
        match observation:
            case Enter(phase, given):
                self.close()
                self.step = _OpenStep(
                    phase, given, self._clock.now(), elapsed_ns(), _source_of(flow)
                )
            case Check():
                if self.step is not None:
                    self.step.checks.append(observation)
            case Checks(listed):
                if self.step is not None:
                    self.step.checks.extend(listed())
            case Note(name, value):
                if self.step is not None:
                    self.step.notes[name] = value

    def asked(self, effect: AnyEffect, started_ns: int) -> None:
        """Take in that an effect was performed."""
        if self.step is not None:
            self.step.operations.append(
                Operation(type(effect).__name__, effect.access.value, elapsed_ns() - started_ns)
            )

    def close(self, *, failed: bool = False) -> None:
        """Finish the step that is open."""
        step, self.step = self.step, None
        if step is not None:
            self._tracer.emit(self._strategy, step, failed=failed)


def _source_of(flow: Flow[Any]) -> Source | None:
    """Return where the innermost flow stands, from its code object, so that it cannot drift."""
    code: CodeType | None = None
    inner: object = flow
    while isinstance(inner, Generator):
        if inner.gi_code.co_name not in _SPELLINGS:  # type: ignore[attr-defined]  # CPython's generators have it
            code = inner.gi_code  # type: ignore[attr-defined]  # as above
        inner = inner.gi_yieldfrom  # type: ignore[attr-defined]  # as above
    if code is None:
        return None
    path = Path(code.co_filename)
    name = path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else path.name
    lines = [line for _, _, line in code.co_lines() if line]
    return Source(
        name, code.co_firstlineno, max(lines, default=code.co_firstlineno), code.co_qualname
    )

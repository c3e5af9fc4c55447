"""A run as OTLP/JSON: one trace for each column, one span for each request and each step."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from limen.lab.reading.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limen.lab.run import Column, Run
    from limen.trace import TraceEvent

_MILLISECOND_NS = 1_000_000
_INTERNAL, _SERVER = 1, 2
_OK, _ERROR = 1, 2


def otlp_json(run: Run) -> str:
    """Return the file, as an OTLP receiver takes it at `/v1/traces`."""
    resources = [
        {
            "resource": {"attributes": _attributes(_resource(run, column))},
            "scopeSpans": [
                {
                    "scope": {"name": "limen.lab", "version": run.environment.get("limen", "")},
                    "spans": list(_spans(run, column)),
                }
            ],
        }
        for column in run.columns
    ]
    return json.dumps({"resourceSpans": resources}, sort_keys=True, indent=1) + "\n"


def _resource(run: Run, column: Column) -> dict[str, str]:
    return {
        "service.name": f"limen-lab-{column.name}",
        "limen.run": run.id,
        "limen.settings": column.setup.code,
        **{f"limen.{name}": value for name, value in run.environment.items()},
    }


def _spans(run: Run, column: Column) -> Iterator[dict[str, Any]]:
    trace = _id(32, run.id, column.name)
    requests: dict[str, list[TraceEvent]] = {}
    for event in column.events:
        requests.setdefault(event.request_id, []).append(event)
    for request_id, events in requests.items():
        parent = _id(16, run.id, column.name, request_id)
        step = column.step_of.get(request_id, "-")
        yield _span(
            {"traceId": trace, "spanId": parent, "name": step, "kind": _SERVER},
            min(one.at * _MILLISECOND_NS for one in events),
            max(one.at * _MILLISECOND_NS + one.duration_ns for one in events),
            {"limen.request": request_id, "limen.client": events[0].client},
        )
        for event in events:
            own = _id(16, run.id, column.name, "event", str(event.seq))
            ids = {"traceId": trace, "spanId": own, "parentSpanId": parent}
            begins = event.at * _MILLISECOND_NS
            span = _span(
                ids | {"name": event.phase.value, "kind": _INTERNAL},
                begins,
                begins + event.duration_ns,
                dict(_told(event)),
            )
            yield span | {"status": {"code": _OK if event.status == "ok" else _ERROR}}


def _told(event: TraceEvent) -> Iterator[tuple[str, str]]:
    yield "limen.actor", event.actor
    yield "limen.status", event.status
    yield "limen.badges", ", ".join(event.badges)
    yield "limen.store", ", ".join(one.effect for one in event.operations) or "not asked"
    for side, values in (("in", event.given), ("out", event.outcome)):
        for name, value in values.items():
            yield f"limen.{side}.{name}", shown(value)
    for check in event.checks:
        yield f"limen.check.{check.name}", check.reason or ("ok" if check.ok else "no")


def _span(ids: dict[str, Any], begins: int, ends: int, told: dict[str, str]) -> dict[str, Any]:
    times = {"startTimeUnixNano": str(begins), "endTimeUnixNano": str(ends)}
    return ids | times | {"attributes": _attributes(told)}


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]


def _id(digits: int, *parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:digits]

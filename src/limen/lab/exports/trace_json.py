"""trace.json: the whole run, with sorted keys, so that equal traces are equal files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from limen.lab.exports.report import Report, report_on

if TYPE_CHECKING:
    from limen.lab.run import Plot, Run
    from limen.lab.setups import Setup


def document(run: Run) -> dict[str, Any]:
    """Return everything that is known of a run, as JSON values that the schema describes."""
    told: dict[str, Any] = run.as_json()
    columns = [
        described | {"setup": _setup(column.setup)}
        for described, column in zip(told["columns"], run.columns, strict=True)
    ]
    report = report_on(columns, run.canaries or None)
    return told | {
        "plot": _plot(run.plot),
        "columns": columns,
        "imported": run.imported,
        "redaction": report.as_json(),
    }


def report_of(run: Run) -> Report:
    """Return the redaction report of a run."""
    columns: Any = run.as_json()["columns"]
    return report_on(columns, run.canaries or None)


def trace_json(run: Run) -> str:
    """Return the file."""
    return canonical(document(run))


def canonical(value: Any) -> str:
    """Return JSON with sorted keys, no spaces, ASCII only, and one line end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def sha256_of(text: str) -> str:
    """Return what `sha256sum` prints for a file with this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plot(plot: Plot) -> dict[str, object]:
    return {
        "id": plot.id,
        "title": plot.title,
        "story": plot.story,
        "ending": plot.ending,
        "steps": [
            {"name": one.name, "title": one.title, "home": [phase.value for phase in one.home]}
            for one in plot.steps
        ],
    }


def _setup(setup: Setup) -> dict[str, object]:
    return {
        "strategy": setup.strategy,
        "check": setup.check,
        "refresh": setup.refresh,
        "memory": setup.memory,
        "trusted_origins": list(setup.trusted_origins),
    }

"""The rows of a run: what they may say, and the file that holds them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

MEASURES: Final = {
    "open_rps": "requests/s",
    "protected_rps": "requests/s",
    "protected_over_open": "ratio",
    "warm_check_us": "µs",
    "cold_verify_us": "µs",
    "sign_in_per_s": "sign-ins/s",
    "revocation_lag_ms": "ms",
    "revocation_lag_cut_ms": "ms",
    "storm_open_p99_over_idle": "ratio",
    "check_cost_by_rows": "µs",
    "memory_mb_per_million_revocations": "MB",
}
_TEXTS: Final = ("framework", "strategy", "store")
_NUMBERS: Final = ("p50", "p99")


class BadResult(ValueError):
    """A result that is not of the agreed shape; the message says where."""


@dataclass(frozen=True)
class Row:
    """One figure. `n` is how many observations it rests on; p50 and p99 have its unit or ms."""

    measure: str
    system: str
    framework: str | None
    strategy: str | None
    store: str | None
    value: float
    unit: str
    n: int
    p50: float | None = None
    p99: float | None = None

    def __post_init__(self) -> None:
        check_row(asdict(self))


@dataclass(frozen=True)
class NotMeasured:
    """What a reader would look for and not find, and why; no measure means any of them."""

    measure: str | None
    system: str
    framework: str | None
    strategy: str | None
    store: str | None
    reason: str

    def __post_init__(self) -> None:
        check_missing(asdict(self))


@dataclass
class Results:
    """Everything that one run found out."""

    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    not_measured: list[NotMeasured] = field(default_factory=list)

    def of(self, measure: str, **wanted: str | None) -> list[Row]:
        """Return the rows of a measure whose members are as wanted."""
        check_measure(measure)
        return [
            row
            for row in self.rows
            if row.measure == measure and all(getattr(row, k) == v for k, v in wanted.items())
        ]

    def to_json(self) -> str:
        """Return the file's text, one row a line, so that a change can be read."""
        parts = [
            f'"machine": {json.dumps(self.machine, ensure_ascii=False)}',
            f'"versions": {json.dumps(self.versions, ensure_ascii=False)}',
            f'"rows": {_lines(self.rows)}',
            f'"not_measured": {_lines(self.not_measured)}',
        ]
        text = "{\n" + ",\n".join(parts) + "\n}\n"
        check_document(json.loads(text))
        return text


def _lines(rows: list[Any]) -> str:
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def read(path: Path) -> Results:
    """Read a file of results; raises `BadResult`."""
    document = json.loads(path.read_text())
    check_document(document)
    return Results(
        document["machine"],
        document["versions"],
        [Row(**row) for row in document["rows"]],
        [NotMeasured(**one) for one in document["not_measured"]],
    )


def check_measure(name: Any) -> None:
    """Raise `BadResult` if there is no such measure."""
    if name not in MEASURES:
        raise BadResult(f"{name!r} is no measure; there are {', '.join(MEASURES)}")


def check_row(row: dict[str, Any]) -> None:
    """Raise `BadResult` unless a row is of the agreed shape."""
    members = list(Row.__dataclass_fields__)
    if list(row) != members:
        raise BadResult(f"a row has the members {', '.join(members)}, and not {', '.join(row)}")
    check_measure(row["measure"])
    for name in ("system", "unit"):
        if not isinstance(row[name], str) or not row[name]:
            raise BadResult(f"{name} of {row} is no text")
    for name in _TEXTS:
        if row[name] is not None and not isinstance(row[name], str):
            raise BadResult(f"{name} of {row} is neither text nor null")
    for name in ("value", *_NUMBERS):
        if not (_is_number(row[name]) or (name in _NUMBERS and row[name] is None)):
            raise BadResult(f"{name} of {row} is no number of at least 0")
    if type(row["n"]) is not int or row["n"] < 1:
        raise BadResult(f"n of {row} is no count")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def check_document(document: Any) -> None:
    """Raise `BadResult` unless a whole file is of the agreed shape."""
    if not isinstance(document, dict) or set(document) != set(Results.__dataclass_fields__):
        raise BadResult(f"the file has the members {', '.join(Results.__dataclass_fields__)}")
    for name in ("machine", "versions"):
        if not isinstance(document[name], dict) or not document[name]:
            raise BadResult(f"{name} says nothing")
    for row in document["rows"]:
        check_row(row)
    for one in document["not_measured"]:
        check_missing(one)


def check_missing(one: dict[str, Any]) -> None:
    """Raise `BadResult` unless it is said what was not measured and why."""
    if list(one) != list(NotMeasured.__dataclass_fields__) or not (one["system"] and one["reason"]):
        raise BadResult(f"{one} does not say what was not measured and why")
    if one["measure"] is not None:
        check_measure(one["measure"])

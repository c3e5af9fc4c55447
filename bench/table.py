"""The results as Markdown: one table for each measure, and what is not in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.results import MEASURES, NotMeasured, Results, Row
from bench.systems import LIMEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TITLES: Final = {
    "open_rps": "Open route, requests a second",
    "protected_rps": "Protected route, requests a second",
    "protected_over_open": "Protected ÷ open",
    "warm_check_us": "A check of a known credential, µs of CPU",
    "cold_verify_us": "First check of a token, µs of CPU",
    "sign_in_per_s": "Sign-ins a second",
    "revocation_lag_ms": "Accepted after `revoke` had returned, in another process",
    "revocation_lag_cut_ms": "The same with the store cut off",
    "storm_open_p99_over_idle": "Open route in a storm of sign-ins: p99 ÷ idle p99",
    "check_cost_by_rows": "A check by the number of sessions, µs of CPU",
    "memory_mb_per_million_revocations": "Memory of a million live revocations",
}
# What design and issue ask of Limen, said beside the figures that it is about.
REACH: Final = {
    "protected_over_open": "Reach: ≥ 0.90 for `jwt`, `hybrid` and `session, check=feed`; "
    "≥ 0.50 for `session, check=store` on SQLite.",
    "warm_check_us": "Reach: ≤ 10 µs, for the strategies that ask no store.",
    "cold_verify_us": "Reach: HS256 ≤ 15 µs; EdDSA ≤ 1.15 times `raw`.",
    "revocation_lag_ms": "Reach: p99 ≤ 10 ms.",
    "revocation_lag_cut_ms": "Reach: longest ≤ 2,000 ms (`max_lag`).",
    "storm_open_p99_over_idle": "Reach: ≤ 2.",
    "check_cost_by_rows": "Reach: flat, ≤ 1.2 times the cost with 1,000 sessions.",
    "memory_mb_per_million_revocations": "Reach: ≤ 100 MB.",
}
DIGITS: Final = 3
NOTHING: Final = "-"
_HEAD: Final = ("System", "Framework", "Strategy", "Store")


def number(value: float | None) -> str:
    """Return a figure with three significant digits, thousands apart."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    whole = len(str(int(value)))  # digits before the point
    return f"{value:,.{max(0, DIGITS - whole)}f}" if value >= 1 else f"{value:.{DIGITS}g}"


def table(results: Results) -> str:
    """Return all tables, each under a heading."""
    machine = results.machine
    parts = ["# Results of `make bench`", figures(results)]
    if machine.get("quick"):
        parts.insert(1, "**A quick run: it shows that the measures work, and nothing else.**")
    return "\n\n".join(parts) + "\n"


def figures(results: Results, level: int = 2) -> str:
    """Return machine, versions, tables and what is missing, under headings of a level."""
    marks = "#" * level
    parts = [_machine(results), _versions(results)]
    for measure in MEASURES:
        rows = results.of(measure)
        if rows:
            parts.append(f"{marks} {TITLES[measure]}")
            if measure in REACH:
                parts.append(REACH[measure])
            parts.append(_rows(rows))
    if results.not_measured:
        parts += [f"{marks} Not measured", _missing(results.not_measured)]
    return "\n\n".join(parts)


def _machine(results: Results) -> str:
    said = results.machine
    return (
        f"Measured on {said['date']}, in {said['minutes']} minutes, on {said['cpu']}, "
        f"{said['cores']} cores, {said['memory_gib']} GiB, {said['system']}, "
        f"Linux {said['kernel']}."
    )


def _versions(results: Results) -> str:
    lines = (
        (name, ", ".join(" ".join(pair) for pair in versions.items()))
        for name, versions in results.versions.items()
    )
    return _markdown(("Of", "Versions"), lines)


def _rows(rows: Sequence[Row]) -> str:
    units = {row.unit for row in rows}
    ordered = sorted(rows, key=lambda row: row.system != LIMEN)  # stable: the rest as measured
    unit = ("Unit",) if len(units) > 1 else ()
    lines = (
        (
            *(_word(getattr(row, name.lower())) for name in _HEAD),
            number(row.value),
            *((row.unit,) if unit else ()),
            number(row.p50),
            number(row.p99),
            f"{row.n:,}",
        )
        for row in ordered
    )
    value = "Value" if unit else units.pop()
    return _markdown((*_HEAD, value, *unit, "p50", "p99", "n"), lines)


def _missing(missing: Sequence[NotMeasured]) -> str:
    lines = (
        (
            _word(one.measure and f"`{one.measure}`"),
            *(_word(getattr(one, name.lower())) for name in _HEAD),
            one.reason,
        )
        for one in missing
    )
    return _markdown(("Measure", *_HEAD, "Why"), lines)


def _word(text: str | None) -> str:
    return text or NOTHING


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *map(line, lines)])

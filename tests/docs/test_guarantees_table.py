"""The table of guarantees in docs/concepts.md is what the strategies themselves say."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen import Guarantees, Limen
from limen.guarantees import Format, RevocationCheck
from limen.settings import CHECKS
from limen.stores.memory import MemoryStore

CONCEPTS = Path(__file__).parents[2] / "docs" / "concepts.md"
BEGIN, END = "<!-- guarantees: begin -->\n", "<!-- guarantees: end -->\n"
SECRET = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"
HEADINGS = (
    "strategy",
    "credential",
    "asked on each request",
    "store reads",
    "a revoked copy works",
    "idle end",
    "absolute end",
    "needs a store",
)
FORMATS = {Format.SIGNED: "signed token", Format.REFERENCE: "random id"}
ASKED = {
    RevocationCheck.EXPIRY: "nothing",
    RevocationCheck.FEED: "the feed",
    RevocationCheck.STORE: "the store",
}


def offered() -> dict[str, Guarantees]:
    """Return what every combination that the settings allow promises, the default first."""
    rows: dict[str, Guarantees] = {}
    for name in ("hybrid", "session", "jwt"):
        for check in CHECKS[name]:
            preset = check is CHECKS[name][0]
            label = f"`{name}`" if preset else f'`{name}`, `check="{check.value}"`'
            rows[label] = promised(name, check=check.value)
    rows["`jwt`, `refresh=None`"] = promised("jwt", refresh=None)
    return rows


def promised(name: str, **options) -> Guarantees:
    store = None if options.get("refresh", "rotate") is None else MemoryStore()
    return Limen(name, store=store, secret=SECRET, **options).assembly.parts.primary.guarantees


def span(ms: int | None) -> str:
    if ms is None:
        return "none"
    days, rest = divmod(ms, 86_400_000)
    return f"{days} days" if days and not rest else f"{ms / 1000:g} s"


def row(label: str, promise: Guarantees) -> tuple[str, ...]:
    window = promise.revocation_window
    return (
        label,
        FORMATS[promise.format],
        ASKED[promise.check],
        str(promise.store_reads_per_request),
        f"at most {span(window)}" if window else "not at all",
        span(promise.idle),
        span(promise.absolute),
        "yes" if promise.needs_store else "no",
    )


def table() -> str:
    """Return the table as it must stand between the two markers."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(row(*item) for item in offered().items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def test_the_table_in_the_documentation_is_what_the_strategies_promise():
    written = CONCEPTS.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written == table(), f"put this between the markers of {CONCEPTS.name}:\n{table()}"


@pytest.mark.parametrize("name", ["jwt", "session", "hybrid"])
def test_every_strategy_has_its_row(name):
    assert f"| `{name}` | " in table()

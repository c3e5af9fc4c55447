"""Writes docs/conformance.md: which requirement is proven by which test.

    .venv/bin/python scripts/conformance.py           from the last run, or from what is marked
    .venv/bin/python scripts/conformance.py --check   compare with the run of the whole suite
    .venv/bin/python scripts/conformance.py --open    the rows that no test proves yet

The rows are `conformance/*.csv`. A run of the whole suite leaves what its tests prove in
`.limen/conformance.json` (`tests/proving.py`); `make conformance` leaves there what is marked.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "conformance"
RECORD = ROOT / ".limen" / "conformance.json"
PAGE = ROOT / "docs" / "conformance.md"
TESTED, DEPLOYMENT, NOT_APPLICABLE, NOT_MET = "tested", "deployment", "not applicable", "not met"
STATUSES = (TESTED, DEPLOYMENT, NOT_APPLICABLE, NOT_MET)
OPEN = "open"  # says tested, and is proven by nothing
PASSED, COLLECTED = "passed", "collected"
Record: TypeAlias = Mapping[str, Mapping[str, str]]  # test, row, outcome
SHOWN = 2  # tests that are named beside a row
# Each file of rows, what it is about and how its second column is called.
SOURCES = {
    "asvs": ("OWASP ASVS 5.0.0", "level"),
    "jwt": ("Signed tokens: RFC 8725 and its revision, with RFC 7515 and 7519", "force"),
    "access_tokens": ("JWT access tokens: RFC 9068", "force"),
    "dpop": ("Tokens bound to a key: RFC 9449", "force"),
    "oauth": ("OAuth 2.0 security: RFC 9700", "force"),
    "cookies": ("Cookies: the revision of RFC 6265", "force"),
    "nist": ("NIST SP 800-63B-4", "force"),
    "attacks": ("Attacks", "strategies"),
}
INTRODUCTION = """\
# Conformance

Which requirement is proven by which test. The subjects are our own words and no quotation; the
numbers lead to the source. This page is written from `conformance/*.csv` and from a run of the
whole suite, and `make test` fails when it is stale, when a row that says *tested* has no test that
passed, or when a test names a row that there is not. Change a row there, or a mark at a test, and
run `make conformance`.

- **tested**: the named tests turn red when it is broken. Of many, two are named.
- **deployment**: only whoever runs the service can do it; the note says what Limen ships for it.
- **not applicable**: the note says what Limen lacks that it speaks of.
- **not met**: it applies and Limen does not do it.
"""


@dataclass(frozen=True)
class Row:
    """One requirement, or one attack."""

    id: str
    level: str
    section: str
    subject: str
    status: str
    note: str

    @property
    def number(self) -> str:
        """Its number in its source."""
        return self.id.partition(":")[2]


def rows_of(source: str) -> list[Row]:
    """Read the rows of one source, in the order of the file."""
    with (ROWS / f"{source}.csv").open(newline="", encoding="utf-8") as lines:
        return [Row(**row) for row in csv.DictReader(lines)]


def all_rows() -> dict[str, list[Row]]:
    """Read every row."""
    return {source: rows_of(source) for source in SOURCES}


def proofs(record: Record, outcomes: Iterable[str]) -> dict[str, list[str]]:
    """Return the tests that prove each row, of those that came out so."""
    found: dict[str, list[str]] = {}
    for test in sorted(record):
        for row, outcome in record[test].items():
            if outcome in outcomes:
                found.setdefault(row, []).append(test)
    return found


def faults(rows: Mapping[str, list[Row]], record: Record, passed: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the rows or with what the tests say."""
    every = [row for part in rows.values() for row in part]
    known = Counter(row.id for row in every)
    proven = proofs(record, passed)
    for row, count in known.items():
        if count > 1:
            yield f"{row} stands {count} times"
    for test in sorted(record):
        for row in sorted(set(record[test]) - set(known)):
            yield f"{test} proves {row}, which is in no file of conformance/"
    for row in every:
        if row.status not in STATUSES:
            yield f"{row.id} has the status {row.status!r}"
        elif row.status == TESTED and row.id not in proven:
            yield f"{row.id} is proven by no test that passed: {row.subject}"
        elif row.status != TESTED and not row.note:
            yield f"{row.id} is {row.status} without a reason"


def page(rows: Mapping[str, list[Row]], proven: Mapping[str, list[str]]) -> str:
    """Return the document."""
    parts = [INTRODUCTION, "## In numbers\n", _counts(rows, proven), ""]
    for source, (title, level) in SOURCES.items():
        parts += [f"## {title}\n"]
        parts += [_table(rows[source], proven, level), ""]
    return "\n".join(parts)


def _status(row: Row, proven: Mapping[str, list[str]]) -> str:
    return OPEN if row.status == TESTED and row.id not in proven else row.status


def _counts(rows: Mapping[str, list[Row]], proven: Mapping[str, list[str]]) -> str:
    lines = [("", "rows", *STATUSES, OPEN)]
    for source, part in rows.items():
        for chapter in dict.fromkeys(_chapter(source, row) for row in part):
            within = [row for row in part if _chapter(source, row) == chapter]
            counted = Counter(_status(row, proven) for row in within)
            told = (str(counted[status] or "") for status in (*STATUSES, OPEN))
            lines.append((chapter, str(len(within)), *told))
    return _lines(lines)


def _chapter(source: str, row: Row) -> str:
    title = SOURCES[source][0]
    return f"{title}, V{row.number.partition('.')[0]}" if source == "asvs" else title


def _table(rows: Iterable[Row], proven: Mapping[str, list[str]], level: str) -> str:
    lines = [("id", level, "section", "subject", "status", "tests and notes")]
    for row in rows:
        tests = proven.get(row.id, [])
        named = ", ".join(f"`{test}`" for test in tests[:SHOWN])
        more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
        told = "; ".join(part for part in (row.note, named + more) if part)
        status = _status(row, proven)
        lines.append((row.id, row.level, row.section, row.subject, status, told))
    return _lines(lines)


def _lines(lines: list[tuple[str, ...]]) -> str:
    rule = ("---",) * len(lines[0])
    return "\n".join("| " + " | ".join(one) + " |" for one in (lines[0], rule, *lines[1:]))


def main() -> None:
    """Write the page, compare it, or list what is open."""
    if not RECORD.exists():
        sys.exit("No run of the whole suite is on record. Run `make test` or `make conformance`.")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    rows = all_rows()
    passed = (PASSED,) if "--check" in sys.argv else (PASSED, COLLECTED)
    wrong = list(faults(rows, record, passed))
    if "--open" in sys.argv:
        sys.stdout.writelines(f"{one}\n" for one in wrong)
        return
    now = page(rows, proofs(record, passed))
    if "--check" not in sys.argv:
        PAGE.write_text(now, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != now:
        wrong.append("docs/conformance.md is not as the run says; run `make conformance`")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()

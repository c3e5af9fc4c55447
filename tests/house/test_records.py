"""Decisions are indexed, and news for users is written so that it can be collected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sources import ROOT

ADR = ROOT / "docs" / "adr"
CHANGES = ROOT / "changes.d"
KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
_FRAGMENT = re.compile(rf"(\d+)\.({'|'.join(KINDS)})\.md")
_STATUS = re.compile(r"^Status: (accepted|proposed|rejected|superseded by \d{4})$", re.MULTILINE)
MAX_FRAGMENT = 1_200


def faults_of_fragment(name: str, text: str) -> list[str]:
    """Say what is wrong with one fragment."""
    faults = []
    if _FRAGMENT.fullmatch(name) is None:
        faults.append(f"{name} is not <issue>.<kind>.md with a kind of {', '.join(KINDS)}")
    if not text.strip().endswith((".", "`", ")")) or len(text) > MAX_FRAGMENT:
        faults.append(f"{name} is not a few whole sentences")
    if any(line.startswith("#") for line in text.splitlines()):
        faults.append(f"{name} has a heading; the changelog gives it one")
    return faults


def test_every_fragment_can_be_collected() -> None:
    fragments = [path for path in sorted(CHANGES.iterdir()) if path.name != "README.md"]
    assert [f for path in fragments for f in faults_of_fragment(path.name, path.read_text())] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("new-feature.md", "Something is new."),
        ("2.feature.md", "Something is new."),
        ("2.added.txt", "Something is new."),
        ("2.added.md", ""),
        ("2.added.md", "# News\n\nSomething is new."),
        ("2.added.md", "word " * MAX_FRAGMENT + "."),
    ],
)
def test_a_fragment_that_cannot_be_collected_is_found(name: str, text: str) -> None:
    assert faults_of_fragment(name, text)


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text().splitlines()


def faults_of_decision(path: Path, index: str) -> list[str]:
    """Say what is wrong with one decision record."""
    text = path.read_text()
    title = text.splitlines()[0].removeprefix("# ")
    faults = []
    if not title.startswith(f"{path.name[:4]} "):
        faults.append("its title does not begin with its number")
    if f"[{title}]({path.name})" not in index:
        faults.append("the index does not list it under its title")
    if _STATUS.search(text) is None:
        faults.append("it has no status")
    sections = ("## Question", "## Decision", "## Rejected", "## Consequences")
    missing = set(sections) - set(text.splitlines())
    faults += [f"it has no section {section}" for section in sorted(missing)]
    return [f"{path.name}: {fault}" for fault in faults]


def test_every_decision_is_complete_and_in_the_index() -> None:
    index = (ADR / "README.md").read_text()
    records = sorted(ADR.glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    assert [fault for path in records for fault in faults_of_decision(path, index)] == []


def test_a_decision_that_is_not_in_the_index_is_found() -> None:
    record = next(ADR.glob("0001*.md"))
    assert faults_of_decision(record, "") == [
        f"{record.name}: the index does not list it under its title"
    ]

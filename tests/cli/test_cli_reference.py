"""The reference pages are what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from limen.cli.variables import NAMES

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCRIPT = runpy.run_path(str(DOCS / "generate_reference.py"))


@pytest.mark.parametrize("name", SCRIPT["PAGES"])
def test_the_page_is_not_stale(name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == SCRIPT["PAGES"][name](), "stale: run python docs/generate_reference.py"


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_page_explains_every_setting(name: str) -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    _, _, variable, python, default, meaning, _ = row.split("|")
    assert "=" in python
    assert variable.strip() == f"`LIMEN_{name.upper()}`"
    assert default.strip()
    assert meaning.strip().endswith(".")

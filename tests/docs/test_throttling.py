"""docs/throttling.md names every limit with the default that the settings have."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from limen import Budget, Limen
from limen.cli.settings_checks import limits_are_on
from limen.cli.variables import NAMES, PREFIX
from limen.settings import Settings
from limen.stores.memory import MemoryStore

PAGE = Path(__file__).parents[2] / "docs" / "throttling.md"
SECRET = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"
DEFAULTS = Settings()
LIMITS = {
    one.name for one in fields(Settings) if isinstance(getattr(DEFAULTS, one.name), Budget)
} | {"consecutive_failures"}


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of a table that begins with a setting."""
    lines = re.findall(r"^\| `.*\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def documented(text: str) -> dict[str, str]:
    """Return what the first table says of each default."""
    return {row[0].strip("`"): row[3] for row in rows(text) if len(row) == 5}


def written(name: str) -> str:
    """Return a default as the page writes it."""
    value = getattr(DEFAULTS, name)
    return f"{value.limit} in {value.window // 1000} s" if isinstance(value, Budget) else f"{value}"


@pytest.mark.proves("asvs:6.1.1")
def test_the_page_says_what_the_settings_are() -> None:
    assert documented(PAGE.read_text()) == {name: written(name) for name in LIMITS}
    assert f"`device_lifetime`, {DEFAULTS.device_lifetime // 86_400:.0f} days" in PAGE.read_text()


@pytest.mark.proves("asvs:6.1.1")
def test_the_page_names_each_key_and_each_variable() -> None:
    text = PAGE.read_text()
    assert all(row[2] and row[4] for row in rows(text) if len(row) == 5)
    named = set(re.findall(rf"`{PREFIX}([A-Z_]+)`", text))
    assert {name.lower() for name in named} <= set(NAMES)
    assert {row[0].strip("`") for row in rows(text) if len(row) == 2} == LIMITS
    assert "## How a victim is not locked out" in text


def test_a_number_that_is_not_the_default_is_found() -> None:
    text = PAGE.read_text().replace("| 20 in 900 s |", "| 30 in 900 s |")
    assert documented(text) != {name: written(name) for name in LIMITS}


def test_the_doctor_notes_each_limit_that_is_off() -> None:
    off = {name: Budget("off", 0, 1) for name in LIMITS if name != "consecutive_failures"}
    auth = Limen(
        "session",
        secret=SECRET,
        store=MemoryStore(),
        consecutive_failures=0,
        device_lifetime=0,
        **off,
    )
    assert {one.subject for one in limits_are_on(auth.settings)} == {*LIMITS, "device_lifetime"}
    assert list(limits_are_on(DEFAULTS)) == []

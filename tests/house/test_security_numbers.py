"""SECURITY.md promises in numbers what the settings say, and names a test that is there."""

from __future__ import annotations

import importlib
import re
import secrets
from functools import reduce
from typing import Any

import pytest
from sources import ROOT

from limen.settings import Settings

ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `([\w.]+)` \| `(test_\w+)` \|$", re.MULTILINE)
UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
# Kept in milliseconds; every other time is in seconds.
MILLISECONDS = ("window", "LIFETIME", "LEEWAY")


def stated(number: str, place: str) -> float:
    """Return a number of the table in the unit in which its place keeps it."""
    count, _, unit = number.partition(" ")
    value = float(count) * UNITS.get(unit, 1)
    if place.endswith("OCTETS"):
        return value / 8
    return value * 1_000 if _in_milliseconds(place) else value


def _in_milliseconds(place: str) -> bool:
    return place.endswith(MILLISECONDS) and "MAX_" not in place


def kept(place: str) -> float:
    """Return what a setting or a constant of the code says."""
    head, _, rest = place.partition(".")
    if head == "Settings":
        found: Any = Settings(secret=secrets.token_urlsafe(32), database="sqlite+aiosqlite:///x")
        return float(reduce(getattr, rest.split("."), found))
    module, _, name = place.rpartition(".")
    return float(getattr(importlib.import_module(module), name))


def rows() -> list[tuple[str, str, str, str]]:
    found = ROW.findall((ROOT / "SECURITY.md").read_text())
    assert len(found) >= 20
    return found


@pytest.mark.proves("asvs:7.1.1")
def test_every_number_is_the_one_that_the_code_has() -> None:
    wrong = [
        f"{promise}: {number} is promised, {place} is {kept(place):g}"
        for promise, number, place, _ in rows()
        if stated(number, place) != kept(place)
    ]
    assert wrong == []


@pytest.mark.proves("nist:1", "nist:2")
def test_the_lives_of_sessions_are_within_the_first_level_of_assurance() -> None:
    """NIST SP 800-63B-4 section 2.1.3: 30 days at most; an idle end is left open there."""
    assert kept("Settings.absolute") <= 30 * UNITS["d"]
    assert kept("Settings.idle") < kept("Settings.absolute")


def test_every_number_names_a_test_that_is_there() -> None:
    folders = (ROOT / "tests", ROOT / "src" / "limen" / "testing")
    text = "\n".join(path.read_text() for one in folders for path in one.rglob("*.py"))
    named = re.findall(r"`(test_\w+)` \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert len(named) > len(rows())
    assert [name for name in named if not re.search(rf"def {name}\b", text)] == []


def test_another_number_is_noticed() -> None:
    assert stated("3 s", "Settings.max_lag") != kept("Settings.max_lag")
    assert stated("128", "limen.session.CREDENTIAL_OCTETS") != kept(
        "limen.session.CREDENTIAL_OCTETS"
    )
    assert stated("15 min", "Settings.account_budget.window") == 900_000

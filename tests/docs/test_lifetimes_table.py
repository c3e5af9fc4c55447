"""The table of lifetimes in docs/concepts.md, and what the defaults are measured by."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen import ConfigurationError, Settings
from limen.assurance import LONGEST

CONCEPTS = Path(__file__).parents[2] / "docs" / "concepts.md"
UNITS = {"days": 86_400, "hours": 3_600, "hour": 3_600, "minutes": 60}
SECRET = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"


def seconds(cell: str) -> int | None:
    if cell == "no number":
        return None
    number, unit = cell.split()
    return int(number) * UNITS[unit]


def table() -> dict[str, tuple[int | None, int | None]]:
    rows = [line for line in CONCEPTS.read_text().splitlines() if line.startswith("| AAL")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {level.lower(): (seconds(absolute), seconds(idle)) for level, absolute, idle in cells}


def of(**times: float | str) -> Settings:
    return Settings(secret=SECRET, database="sqlite+aiosqlite:///app.db", **times)


@pytest.mark.proves("asvs:7.1.1")
def test_the_table_is_what_the_program_holds_settings_to() -> None:
    assert table() == {level: tuple(longest) for level, longest in LONGEST.items()}


@pytest.mark.proves("asvs:7.1.1", "nist:1")
def test_the_documented_defaults_are_the_settings_and_keep_the_lowest_level() -> None:
    settings = of(assurance="aal1")
    text = CONCEPTS.read_text()
    assert f"nobody used it for `idle` ({settings.idle / 86_400:g} days)" in text
    assert f"`absolute` ({settings.absolute / 86_400:g} days) after sign-in" in text
    assert f"at most `max_sessions` ({settings.max_sessions}) live sessions" in text


@pytest.mark.proves("nist:1", "nist:2")
@pytest.mark.parametrize("level", sorted(LONGEST))
def test_a_level_refuses_what_is_longer(level: str) -> None:
    longest = LONGEST[level]
    idle = longest.idle or longest.absolute
    exact = of(assurance=level, absolute=longest.absolute, idle=idle)
    assert exact.absolute == longest.absolute
    with pytest.raises(ConfigurationError, match=r"^absolute: is longer .*NIST"):
        of(assurance=level, absolute=longest.absolute + 1, idle=idle)
    if longest.idle is not None:
        with pytest.raises(ConfigurationError, match=r"^idle: is longer .*NIST"):
            of(assurance=level, absolute=longest.absolute, idle=idle + 1)


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no level"):
        of(assurance="aal4")

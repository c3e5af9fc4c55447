"""Every statement of the lesson has a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATEMENTS = [
    *(f"H{number}" for number in range(1, 5)),
    *(f"F{number}" for number in (1, 2, 3, 4, 5, 6, 7, "8a", "8b", 9)),
    *(f"FB{number}" for number in range(1, 7)),
    "FC",
    *(f"S{number}" for number in range(1, 8)),
    *(f"E{number}" for number in range(1, 13)),
    *(f"V{number}" for number in range(1, 31)),
    *(f"K{number}" for number in ("1a", "1b", "1c", "2a", "2b", "2c")),
    *(f"Q{number}" for number in (1, 2, 3, "all")),
    *(f"N{number}" for number in range(6)),
    *(f"T{number}" for number in range(1, 12)),
    *(f"false_{number}" for number in range(1, 15)),
]
NAMES = re.compile(r"^def test_seed_(false_\d+|[A-Z]+\w*?)_", re.MULTILINE)


@pytest.fixture(scope="module")
def tested() -> set[str]:
    """The statements that tests are named after."""
    files = Path(__file__).parent.glob("test_seed_*.py")
    return {name for file in files for name in NAMES.findall(file.read_text())}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_has_a_test(tested: set[str], statement: str) -> None:
    assert statement in tested


def test_no_test_is_named_after_a_statement_that_there_is_not(tested: set[str]) -> None:
    assert tested <= set(STATEMENTS)

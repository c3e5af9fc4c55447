"""The matrix itself: no attack is left out of it, and none of its cells says nothing."""

from __future__ import annotations

import ast
import csv
from pathlib import Path

import pytest
import test_attack_bound
import test_attack_clocks
import test_attack_copies
import test_attack_cross_site
import test_attack_faults
import test_attack_fixation
import test_attack_guessing
import test_attack_keys
import test_attack_pages
import test_attack_parsers
import test_attack_refresh
import test_attack_theft
from matrix import BY_NUMBER, ROWS, STORES, STRATEGIES, Without

GROUPS = (
    test_attack_theft,
    test_attack_bound,
    test_attack_copies,
    test_attack_fixation,
    test_attack_cross_site,
    test_attack_pages,
    test_attack_refresh,
    test_attack_keys,
    test_attack_parsers,
    test_attack_guessing,
    test_attack_clocks,
    test_attack_faults,
)
CONFORMANCE = Path(__file__).parents[2] / "conformance" / "attacks.csv"


TESTS = Path(__file__).parents[1]


def marks_of(path: Path, name: str) -> set[str]:
    """Return what a test, or the whole module of it, says that it proves."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    (test,) = (
        one
        for one in module.body
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and one.name == name
    )
    of_all = (
        one.value
        for one in module.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "pytestmark"
    )
    return {
        text
        for source in (*test.decorator_list, *of_all)
        for call in ast.walk(source)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.proves"
        for text in eval(ast.unparse(call), {"pytest": pytest}).args
    }


@pytest.mark.parametrize(
    ("number", "named"),
    [pytest.param(row.number, test, id=test) for row in ROWS for test in row.tests],
)
def test_what_is_tried_elsewhere_is_there_and_says_so(number: int, named: str) -> None:
    file, _, name = named.partition("::")
    (path,) = TESTS.rglob(file)
    assert f"attack:{number}" in marks_of(path, name)


def test_every_row_has_its_nine_cells() -> None:
    cells = [cell.id for group in GROUPS for cell in group.attacks.cells()]
    assert len(set(cells)) == len(cells)
    assert set(cells) == {
        f"A{row.number:02}-{strategy}-{store}"
        for row in ROWS
        if not row.tests
        for strategy in STRATEGIES
        for store in STORES
    }


def test_numbers_and_titles_are_given_once() -> None:
    assert set(range(1, 47)) <= BY_NUMBER.keys()
    assert len(BY_NUMBER) == len(ROWS)
    assert len({row.title for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if not row.tests], ids=lambda row: f"A{row.number:02}"
)
def test_conformance_says_the_same_of_what_does_not_apply(row) -> None:
    with CONFORMANCE.open(encoding="utf-8") as lines:
        told = {line["id"]: line for line in csv.DictReader(lines)}[f"attack:{row.number}"]
    applies = [name for name in STRATEGIES if not isinstance(row.of(name), Without)]
    if not applies:
        assert told["status"] == "not applicable"
    elif len(applies) < len(STRATEGIES):
        assert told["level"].split() == applies
    else:
        assert told["level"] == "all"

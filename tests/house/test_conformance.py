"""What the suite proves is collected by a plugin and held against the rows of conformance/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

SUITE = """
import pytest

@pytest.mark.proves("asvs:1.1.1", "jwt:1")
def test_good(): ...

@pytest.mark.proves("asvs:1.1.2")
@pytest.mark.parametrize("value", [2, 1])
def test_half(value): assert value == 1

@pytest.mark.proves("asvs:1.1.3")
def test_never_begins(broken): ...

@pytest.fixture
def broken(): raise RuntimeError

class TestOfMany:
    @pytest.mark.parametrize("value", [pytest.param(1, marks=pytest.mark.proves("jwt:2")), 2])
    def test_some(self, value): ...

def test_of_nothing(): ...
"""
PROVEN = {
    "test_one.py::test_good": {"asvs:1.1.1": "passed", "jwt:1": "passed"},
    "test_one.py::test_half": {"asvs:1.1.2": "failed"},
    "test_one.py::test_never_begins": {"asvs:1.1.3": "failed"},
    "test_one.py::test_some": {"jwt:2": "passed"},
}


def record_of(place: Path, *options: str) -> dict[str, dict[str, str]] | None:
    """Run a small suite under the plugin; return what it wrote down."""
    (place / "suite").mkdir()
    (place / "suite" / "test_one.py").write_text(SUITE)
    settings = '[tool.pytest.ini_options]\ntestpaths = ["suite"]\nmarkers = ["proves"]\n'
    (place / "pyproject.toml").write_text(settings)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "proving", "-p", "no:cacheprovider", *options],
        cwd=place,
        env=environment | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        check=False,
    )
    record = place / ".limen" / "conformance.json"
    return json.loads(record.read_text()) if record.exists() else None


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_whole_run_leaves_what_its_tests_prove(tmp_path, options) -> None:
    assert record_of(tmp_path, *options) == PROVEN


def test_what_is_marked_can_be_had_without_a_run(tmp_path) -> None:
    record = record_of(tmp_path, "--collect-only")
    assert record is not None
    assert {name: list(rows) for name, rows in record.items()} == {
        name: list(rows) for name, rows in PROVEN.items()
    }
    assert {outcome for rows in record.values() for outcome in rows.values()} == {"collected"}


@pytest.mark.parametrize("options", [("suite",), ("-k", "good"), ("-x",)])
def test_a_part_of_a_run_leaves_nothing(tmp_path, options) -> None:
    assert record_of(tmp_path, *options) is None


@pytest.fixture
def conformance(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import conformance

    return conformance


def row(conformance, number: str, status: str, note: str = ""):
    return conformance.Row(f"asvs:{number}", "1", "part", "Subject", status, note)


def test_a_row_needs_a_test_that_passed_or_a_reason(conformance) -> None:
    rows = {
        "asvs": [
            row(conformance, "1.1.1", "tested"),
            row(conformance, "1.1.2", "tested"),
            row(conformance, "1.1.3", "not applicable", "there is none"),
            row(conformance, "1.1.4", "not applicable"),
            row(conformance, "1.1.5", "perhaps"),
        ]
    }
    record = {
        "test_one.py::test_good": {"asvs:1.1.1": "passed", "asvs:9.9.9": "passed"},
        "test_one.py::test_half": {"asvs:1.1.2": "failed"},
    }
    assert list(conformance.faults(rows, record, ("passed",))) == [
        "test_one.py::test_good proves asvs:9.9.9, which is in no file of conformance/",
        "asvs:1.1.2 is proven by no test that passed: Subject",
        "asvs:1.1.4 is not applicable without a reason",
        "asvs:1.1.5 has the status 'perhaps'",
    ]


def test_the_page_does_not_depend_on_the_order_of_a_run(conformance) -> None:
    rows = {source: [] for source in conformance.SOURCES}
    rows["asvs"] = [row(conformance, "1.1.1", "tested")]
    record = {f"test_{name}.py::test_it": {"asvs:1.1.1": "passed"} for name in "abcd"}
    turned = dict(reversed(record.items()))
    pages = [
        conformance.page(rows, conformance.proofs(one, ("passed",))) for one in (record, turned)
    ]
    assert pages[0] == pages[1]
    assert "`test_a.py::test_it`, `test_b.py::test_it` and 2 more |" in pages[0]


def test_every_mark_and_every_row_is_well_formed(conformance) -> None:
    """Whether each row is proven is for the run of the whole suite to say."""
    rows = conformance.all_rows()
    unknown = [one for one in conformance.faults(rows, {}, ()) if "no test that passed" not in one]
    assert unknown == []
    assert sum(map(len, rows.values())) == 392

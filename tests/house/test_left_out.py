"""With `CI` set, a test that did not run makes the run fail and is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

LEFT_OUT = {
    "marked": "@pytest.mark.skip\ndef test_left_out(): ...",
    "expected": "@pytest.mark.xfail\ndef test_left_out(): assert False",
    "inside": "def test_left_out(): pytest.skip('not here')",
    "import": "pytest.importorskip('a_package_that_is_not_there')",
}


def run(place: Path, left_out: dict[str, str], ci: str, *options: str) -> tuple[int, str]:
    """Run one passing test and others under a copy of our conftest; return code and output."""
    # The servers and packages of the real conftest are not what is asked about.
    conftest = (ROOT / "tests" / "conftest.py").read_text()
    conftest = re.sub(r"(?m)^from servers import .*$", "PostgresServer = object", conftest)
    conftest = re.sub(r"(?m)^from nodes import .*$", "install = object", conftest)
    conftest = re.sub(r"(?m)^pytest_plugins = .*$", "", conftest)
    (place / "conftest.py").write_text(conftest)
    (place / "test_runs.py").write_text("def test_runs(): ...\n")
    for name, body in left_out.items():
        (place / f"test_{name}.py").write_text(f"import pytest\n{body}\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "."]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=place,
        env=environment | {"CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])
def test_in_ci_a_test_that_did_not_run_is_a_failure(tmp_path, options) -> None:
    code, output = run(tmp_path, LEFT_OUT, "true", *options)
    assert code == 1, output
    _, _, named = output.partition("not run, which CI does not allow")
    assert [name for name in LEFT_OUT if f"test_{name}.py" not in named] == []
    assert "test_runs" not in named


@pytest.mark.parametrize("name", LEFT_OUT)
def test_one_of_them_is_enough(tmp_path, name) -> None:
    code, output = run(tmp_path, {name: LEFT_OUT[name]}, "true")
    assert code == 1, output


def test_elsewhere_it_is_not(tmp_path) -> None:
    assert run(tmp_path, LEFT_OUT, "")[0] == 0


def test_in_ci_a_suite_that_ran_wholly_passes(tmp_path) -> None:
    assert run(tmp_path, {"also": "def test_also_runs(): ..."}, "true")[0] == 0

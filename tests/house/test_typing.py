"""The types are part of the interface: right calls check, wrong calls do not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from sources import ROOT

_IGNORE = re.compile(r"  # type: ignore\[([a-z-]+)\].*")


def mypy(*paths: Path) -> subprocess.CompletedProcess[str]:
    # With the cache of `make lint`, which then has less to do.
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    command += [f"--config-file={ROOT / 'pyproject.toml'}"]
    return subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_source_and_the_right_calls_check() -> None:
    checked = mypy()
    assert checked.returncode == 0, "\n" + checked.stdout + checked.stderr


def test_every_wrong_call_is_an_error_when_nobody_ignores_it(tmp_path_factory) -> None:
    place = tmp_path_factory.mktemp("wrong")
    expected = []
    for file in sorted((ROOT / "typing_tests").glob("*.py")):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines, start=1):
            ignored = _IGNORE.search(line)
            if ignored:
                expected.append((file.name, str(number), ignored[1]))
        bare = [_IGNORE.sub("", line) for line in lines]
        (place / file.name).write_text("\n".join(bare) + "\n")
    assert expected, "typing_tests has no call that must fail"
    checked = mypy(place)
    found = re.findall(r"(\w+\.py):(\d+): error: .*\[([a-z-]+)\]", checked.stdout)
    assert sorted(found) == sorted(expected), checked.stdout

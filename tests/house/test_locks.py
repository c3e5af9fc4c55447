"""What is installed is pinned, with hashes, and from no particular place."""

from __future__ import annotations

import json
import re

from sources import ROOT
from tree import files

_PIN = re.compile(r"^([a-z0-9-]+)==([^ ;]+)( ; .+?)? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    starts = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    found = {match[1]: match[2] for match in _PIN.finditer(text)}
    assert len(found) == len(starts), "a line of the lock is no exact version with hashes"
    for block in re.split(r"\n(?=[a-z])", text):
        assert "--hash=sha256:" in block
    return found


def test_the_environment_to_run_is_part_of_the_environment_to_test() -> None:
    run, dev = pins("run"), pins("dev")
    assert run.items() <= dev.items()
    assert {"fastapi", "uvicorn", "aiosqlite", "hatchling"} <= run.keys()
    assert {"pytest", "ruff", "mypy", "asyncpg"} <= dev.keys()


def test_no_lock_of_npm_says_where_a_package_came_from() -> None:
    for path in files():
        if path.name == "package-lock.json":
            packages = json.loads(path.read_text())["packages"]
            # What lies in the project itself is linked and has no digest: a workspace.
            fetched = {
                name: one
                for name, one in packages.items()
                if "node_modules/" in name and not one.get("link")
            }
            assert [name for name, one in fetched.items() if "resolved" in one] == []
            assert [name for name, one in fetched.items() if "integrity" not in one] == []
            assert fetched

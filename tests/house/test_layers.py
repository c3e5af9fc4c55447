"""Imports point down only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sources import PACKAGE, ROOT, imports, layer_of, modules


def upward_imports(package: Path = PACKAGE) -> list[str]:
    """Return every import that points up or sideways out of its layer, with file and line."""
    known = {one.name for one in modules(package)}
    found = []
    for module in modules(package):
        if not module.name:
            continue
        for imported in imports(module.tree):
            parts = imported.name.split(".")
            if parts[0] != "limen" or imported.typing_only:
                continue
            while parts and ".".join(parts[1:]) not in known:
                parts.pop()
            name = ".".join(parts[1:])
            if name.split(".")[0] == module.name.split(".")[0]:
                continue
            here, there = layer_of(module.name), layer_of(name)
            if there > here or (there == here and here < layer_of("web")):
                where = f"src/limen/{module.path}:{imported.line}"
                found.append(f"{where} imports {imported.name}, which is not below it")
    return found


def test_no_import_points_up() -> None:
    assert upward_imports() == []


def test_an_upward_import_is_found_with_its_file_and_line(tmp_path: Path) -> None:
    copy = tmp_path / "limen"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    lines = (copy / "secret.py").read_text().splitlines()
    lines += ["", "def planted():", "    from limen.strategies import jwt"]
    (copy / "secret.py").write_text("\n".join(lines))
    expected = f"src/limen/secret.py:{len(lines)} imports limen.strategies.jwt"
    assert [one for one in upward_imports(copy) if expected in one]


def test_importing_the_root_from_inside_counts_as_importing_the_composition_root(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "limen"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "throttle.py").write_text('"""Planted."""\n\nfrom limen import Limen\n')
    assert any("src/limen/throttle.py:3" in one for one in upward_imports(copy))


def _lint_imports(place: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    config = ROOT / "pyproject.toml"
    return subprocess.run(
        [command, "--config", config, "--no-cache", "--no-logo"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(place / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_declared_contracts_hold() -> None:
    linted = _lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_declared_contracts_can_break(tmp_path: Path) -> None:
    copy = tmp_path / "src" / "limen"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "lab" / "__init__.py").open("a") as file:
        file.write("\nfrom limen.strategies import SessionStrategy as SessionStrategy\n")
    with (copy / "clock.py").open("a") as file:
        file.write("\nfrom limen.settings import Settings as Settings\n")
    linted = _lint_imports(tmp_path)
    assert linted.returncode == 1
    assert "limen.clock is not allowed to import limen.settings" in linted.stdout
    assert "limen.lab is not allowed to import limen.strategies" in linted.stdout

"""What holds for every file: it names no machine, is finished, introduces itself, is short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import ROOT, Module, modules
from tree import files

# In two parts each, so that this file does not name them either.
_HOSTS = (
    ("pypi", ".org"),
    ("files.python", "hosted.org"),
    ("registry.npm", "js.org"),
    ("registry.yarn", "pkg.com"),
    ("deb.deb", "ian.org"),
    ("proxy.gol", "ang.org"),
)
_PLACES = (("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/opt/whe", "els"), ("/opt/py", "pi"))
ELSEWHERE = re.compile("|".join(re.escape(a + b) for a, b in _HOSTS))
MACHINE = re.compile("|".join(rf"(?<![\w.~-]){a + b}" for a, b in _PLACES))
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
CEILING = 400
LONGER: dict[str, tuple[int, str]] = {}


def texts() -> Iterator[tuple[str, str]]:
    for file in files():
        try:
            yield file.relative_to(ROOT).as_posix(), file.read_text()
        except UnicodeDecodeError:
            continue


def named(pattern: re.Pattern[str], text: str) -> list[str]:
    """Return the lines that match, with their numbers."""
    lines = enumerate(text.splitlines(), start=1)
    return [f"{number}: {line.strip()[:120]}" for number, line in lines if pattern.search(line)]


def test_no_file_names_a_package_registry() -> None:
    assert [f"{path}:{hit}" for path, text in texts() for hit in named(ELSEWHERE, text)] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert [f"{path}:{hit}" for path, text in texts() for hit in named(MACHINE, text)] == []


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (ELSEWHERE, "https://" + "".join(_HOSTS[0]) + "/simple"),
        (ELSEWHERE, '"resolved": "https://' + "".join(_HOSTS[2]) + '/next"'),
        (MACHINE, "see " + "".join(_PLACES[0]) + "notes"),
        (MACHINE, "'" + "".join(_PLACES[2]) + "ada/limen'"),
        (UNFINISHED, "# TODO: later"),
        (UNFINISHED, "    raise NotImplementedError"),
    ],
)
def test_what_must_not_be_named_is_found(pattern: re.Pattern[str], planted: str) -> None:
    assert named(pattern, planted)


def test_a_path_that_only_looks_like_one_is_left_alone() -> None:
    assert not named(MACHINE, "GET /api" + "".join(_PLACES[1]) + " and ./ho" + "me/page")


def test_nothing_in_the_source_is_unfinished() -> None:
    found = [
        f"{module.path}:{hit}" for module in modules() for hit in named(UNFINISHED, module.text)
    ]
    assert found == []


def introduces_itself(module: Module) -> bool:
    docstring = ast.get_docstring(module.tree)
    return docstring is not None and len(docstring.split()) > 1


def test_every_module_says_first_what_it_is() -> None:
    assert [module.path for module in modules() if not introduces_itself(module)] == []


def test_a_dot_is_no_introduction() -> None:
    for planted in ('"""."""', "import os", ""):
        assert not introduces_itself(Module("x", "x.py", planted, ast.parse(planted)))


def too_long(module: Module) -> bool:
    ceiling, _reason = LONGER.get(module.path, (CEILING, ""))
    return len(module.text.splitlines()) > ceiling


def test_modules_are_short() -> None:
    found = [f"{m.path}: {len(m.text.splitlines())} lines" for m in modules() if too_long(m)]
    assert found == []


def test_an_exception_that_is_no_longer_needed_is_taken_off_the_list() -> None:
    lengths = {module.path: len(module.text.splitlines()) for module in modules()}
    assert [path for path in LONGER if lengths.get(path, 0) <= CEILING] == []


def test_a_long_module_is_found() -> None:
    text = "x = 1\n" * (CEILING + 1)
    assert too_long(Module("x", "x.py", text, ast.parse(text)))


def test_the_walk_sees_the_project_and_not_what_is_made_from_it() -> None:
    seen = {path.relative_to(ROOT).as_posix() for path in files()}
    assert {"Makefile", ".ci/run", "src/limen/__init__.py", "tests/house/test_tree.py"} <= seen
    assert not any(Path(path).parts[0] in (".venv", ".git") for path in seen)


def test_modules_of_tests_have_names_of_their_own() -> None:
    """Folders of tests are no packages: of two modules with one name, one would hide the other."""
    paths = [path for path in files() if path.suffix == ".py" and ROOT / "tests" in path.parents]
    names = [path.name for path in paths if path.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []

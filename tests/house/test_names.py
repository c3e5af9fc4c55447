"""A name says what a thing is for; these words say that nobody knew."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import ROOT, modules

EMPTY_WORDS = frozenset(
    ["util", "utils", "utility", "helper", "helpers", "manager", "managers", "common", "misc"]
)
# These are about passwords that many people have in common.
ABOUT_PASSWORDS = {"passwords.py: _is_common"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> set[str]:
    """Split a name in snake case, capitals or camel case into its words."""
    return {word.lower() for word in _WORDS.findall(name)}


def empty_names(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield the names of a module, its classes and functions that say nothing."""
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names = [node.name for node in ast.walk(tree) if isinstance(node, defined)]
    # The name of a test is a sentence about behaviour, and behaviour may be common.
    names = [name for name in names if not name.startswith("test_")]
    for name in [*Path(path).with_suffix("").parts, *names]:
        if words(name) & EMPTY_WORDS:
            yield f"{path}: {name}"


def test_no_name_is_an_empty_word() -> None:
    found = {name for module in modules() for name in empty_names(module.path, module.tree)}
    for folder in ("scripts", "tests", "examples", "bench"):
        for file in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in file.parts:
                path = file.relative_to(ROOT).as_posix()
                found |= set(empty_names(path, ast.parse(file.read_text())))
    assert found <= ABOUT_PASSWORDS


@pytest.mark.parametrize(
    ("path", "planted"),
    [
        ("session.py", "class SessionManager: ..."),
        ("session.py", "def session_helper(): ..."),
        ("web/utils.py", ""),
        ("session.py", "class JWTUtil:\n    def f(self): ..."),
    ],
)
def test_an_empty_word_is_found(path: str, planted: str) -> None:
    assert list(empty_names(path, ast.parse(planted)))


def test_a_word_inside_another_is_not_taken_for_it() -> None:
    planted = "def utilise_commonwealth(): ...\nclass Miscount: ..."
    assert list(empty_names("x.py", ast.parse(planted))) == []

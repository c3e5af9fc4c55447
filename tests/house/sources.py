"""The source tree as syntax trees, for the tests that read it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "limen"


@dataclass(frozen=True)
class Module:
    """One module: its dotted name below `limen`, its path below the package, its tree."""

    name: str
    path: str
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """One name that a module imports, where, and whether only for the type checker."""

    name: str
    line: int
    typing_only: bool


def modules(package: Path = PACKAGE) -> list[Module]:
    """Read every module of a package, in the order of their paths."""
    found = []
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package)
        parts = path.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = file.read_text()
        found.append(Module(name, path.as_posix(), text, ast.parse(text)))
    assert found
    return found


def imports(tree: ast.AST, *, typing_only: bool = False) -> Iterator[Import]:
    """Yield what is imported anywhere in a tree, `from a import b` as `a.b`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, typing_only)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they point"
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, typing_only)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for inner in node.body:
                yield from imports(ast.Module([inner], []), typing_only=True)
        else:
            yield from imports(node, typing_only=typing_only)


@cache
def layers() -> tuple[tuple[str, ...], ...]:
    """Return the layers that pyproject.toml declares, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["id"] == "layers")
    return tuple(
        tuple(part for part in line.replace("|", " ").replace(":", " ").split())
        for line in contract["layers"]
    )


def layer_of(name: str) -> int:
    """Return the height of a module by its dotted name below `limen`; 0 is the lowest.

    The root re-exports the composition root, so importing from it is importing that.
    """
    head = name.split(".", maxsplit=1)[0] or "authority"
    for height, names in enumerate(reversed(layers())):
        if head in names:
            return height
    raise LookupError(f"{head} is in no layer of pyproject.toml")


def pure_modules() -> list[Module]:
    """Return the modules of the three lowest layers: values, cryptography, protocol."""
    ceiling = layer_of("strategies")
    return [one for one in modules() if one.name and layer_of(one.name) <= ceiling]

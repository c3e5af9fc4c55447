"""Writes public_api.txt: every public name, with the parameters that callers depend on.

.venv/bin/python scripts/public_api.py [--check]
"""

from __future__ import annotations

import ast
import difflib
import enum
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "public_api.txt"
MODULES = (
    "limen",
    "limen.jws",
    "limen.lab",
    "limen.social",
    "limen.testing",
    "limen.verify",
    "limen.web.fastapi",
)


def lines() -> Iterator[str]:
    """Yield the public interface, one name a line."""
    for module in MODULES:
        for name in sorted(public_names(module)):
            yield from _described(
                f"{module}.{name}", getattr(importlib.import_module(module), name)
            )


def public_names(module: str) -> list[str]:
    """Return what a module offers: `__all__`, or what it re-exports, or what it defines."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return []
    names = []
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.ImportFrom):
            names += [one.asname for one in node.names if one.asname == one.name]
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.append(node.targets[0].id)
    offered = getattr(importlib.import_module(module), "__all__", names)
    return [name for name in offered if name and not name.startswith("_")]


def _described(path: str, value: object) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"{path}: {', '.join(member.name for member in value)}"
    elif isinstance(value, type):
        yield path + _parameters(value)
        for name, member in sorted(_members(value).items()):
            if name.startswith(("_", "test_")) or inspect.ismemberdescriptor(member):
                continue
            function = getattr(member, "__func__", member)
            yield f"{path}.{name}" + _parameters(function)
    else:
        yield path + _parameters(value)


def _members(value: type) -> dict[str, object]:
    """Return what a class has, from its own module or another of ours."""
    members: dict[str, object] = {}
    for one in reversed(value.__mro__):
        if one is value or one.__module__.startswith("limen."):
            members |= vars(one)
    return members


def _parameters(value: object) -> str:
    """Return the names of the parameters; annotations are for the type checker to hold."""
    if not callable(value):
        return ""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return ""
    shown: list[str] = []
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and "*" not in shown and not _has_rest(shown):
            shown.append("*")
        stars = "*" * (one.kind is one.VAR_POSITIONAL) + "**" * (one.kind is one.VAR_KEYWORD)
        shown.append(stars + one.name + ("" if one.default is one.empty else "="))
    return f"({', '.join(name for name in shown if name != 'self')})"


def _has_rest(shown: list[str]) -> bool:
    return any(name.startswith("*") for name in shown)


def main() -> None:
    """Write the snapshot, or compare it."""
    now = "\n".join(lines()) + "\n"
    if "--check" not in sys.argv:
        SNAPSHOT.write_text(now)
        return
    kept = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if kept != now:
        sys.stdout.writelines(
            difflib.unified_diff(
                kept.splitlines(keepends=True),
                now.splitlines(keepends=True),
                "public_api.txt",
                "the code",
                n=0,
            )
        )
        sys.exit(
            "The public interface has changed. If that is meant: run `make snapshots`, and tell "
            "users in changes.d/<issue>.<kind>.md (see changes.d/README.md)."
        )


if __name__ == "__main__":
    main()

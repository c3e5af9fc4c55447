"""Values, cryptography and protocol await nothing, read no clock and draw no randomness."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sources import imports, pure_modules

# The only ones that ask the system for the time, for randomness and about its processes.
SYSTEM = {"clock.py", "entropy.py", "forks.py"}
# A log line is a trace without redaction, so `logging` is on the list.
IMPURE_IMPORTS = frozenset(
    [
        "asyncio",
        "io",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "threading",
        "time",
    ]
)
IMPURE_CALLS = frozenset(
    ["open", "input", "print", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"]
)
IMPURE_NODES = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


def impurities(tree: ast.Module) -> Iterator[str]:
    """Yield what in a module depends on anything but its arguments, with its line."""
    for imported in imports(tree):
        if imported.name.split(".")[0] in IMPURE_IMPORTS and not imported.typing_only:
            yield f"{imported.line}: imports {imported.name}"
    for node in ast.walk(tree):
        if isinstance(node, IMPURE_NODES):
            yield f"{node.lineno}: {type(node).__name__}"
        elif isinstance(node, ast.comprehension) and node.is_async:
            yield f"{node.iter.lineno}: asynchronous comprehension"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if ".".join(called.split(".")[-2:]) in IMPURE_CALLS or called in IMPURE_CALLS:
                yield f"{node.lineno}: calls {called}"


def test_the_lower_layers_are_pure() -> None:
    found = [
        f"src/limen/{module.path}:{impurity}"
        for module in pure_modules()
        if module.path not in SYSTEM
        for impurity in impurities(module.tree)
    ]
    assert found == []


def test_every_module_of_the_protocol_is_looked_at() -> None:
    looked_at = {module.path for module in pure_modules()}
    assert {"secret.py", "jose.py", "effects/accounts.py", "strategies/jwt.py"} <= looked_at
    assert not {"driver.py", "authority.py", "stores/memory.py"} & looked_at


@pytest.mark.parametrize(
    "planted",
    [
        "async def flow(): ...",
        "def f(): return open('key')",
        "from os import environ",
        "import time",
        "def f():\n    import secrets\n    return secrets.token_bytes(32)",
        "import datetime\ndef f(): return datetime.datetime.now()",
        "from datetime import datetime\nnow = datetime.now(tz=None)",
        "import logging",
        "async def f(xs): return [x async for x in xs]",
    ],
)
def test_an_impurity_is_found(planted: str) -> None:
    assert list(impurities(ast.parse(planted)))


def test_what_is_only_for_the_type_checker_is_no_impurity() -> None:
    planted = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pathlib import Path"
    assert list(impurities(ast.parse(planted))) == []

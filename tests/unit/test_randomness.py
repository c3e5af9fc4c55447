"""Randomness under load, over forks, and for nonces: nothing is drawn twice."""

from __future__ import annotations

import ast
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import limen
from limen.entropy import SystemEntropy, random_text
from limen.sealing import NONCE_OCTETS

EACH, WORKERS, CHILDREN = 2_000, 32, 4
PACKAGE = Path(limen.__file__).parent


def drawn(_: int) -> list[str]:
    return [random_text(SystemEntropy(), 16) for _ in range(EACH)]


def drawn_by_a_child() -> list[str]:
    """Fork, let the child draw and read what it drew."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as line:
                line.write("\n".join(drawn(0)))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as line:
        found = line.read().split("\n")
    os.waitpid(child, 0)
    return found


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # it draws and is gone
@pytest.mark.proves("asvs:11.5.2", "asvs:7.2.3", "attack:87")
def test_no_thread_and_no_child_draws_what_another_drew() -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        found = [text for part in pool.map(drawn, range(WORKERS)) for text in part]
    found += [text for _ in range(CHILDREN) for text in drawn_by_a_child()]
    found += drawn(0)
    assert len(found) == EACH * (WORKERS + CHILDREN + 1)
    assert len(set(found)) == len(found)


@pytest.mark.proves("asvs:11.3.4")
def test_every_nonce_is_drawn_where_it_is_used_and_none_comes_twice() -> None:
    """A nonce of 12 random bytes; a caller that kept one would be seen here."""
    callers = 0
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                (".seal", "seal_under", "encrypted")
            ):
                callers += 1
                told = [ast.unparse(one) for one in node.args] + [
                    ast.unparse(one.value) for one in node.keywords
                ]
                drawn_here = any("octets(" in one for one in told)
                assert drawn_here or "nonce" in told, (file.name, node.lineno, told)
    assert callers >= 3
    source = SystemEntropy()
    nonces = {source.octets(NONCE_OCTETS) for _ in range(100_000)}
    assert len(nonces) == 100_000

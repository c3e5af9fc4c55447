"""The files of the work tree that belong to the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sources import ROOT

# What .gitignore names, spelled out because git itself may be missing.
MADE = frozenset(
    [
        ".git",
        ".venv",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".import_linter_cache",
        ".limen",
        "__pycache__",
        "node_modules",
        ".next",
        "next-env.d.ts",
        "dist",
        "build",
        "limen.egg-info",
    ]
)
MADE_ENDINGS = (".db", ".db-shm", ".db-wal", ".pyc")


def files(root: Path = ROOT) -> Iterator[Path]:
    """Yield every file that a checkout has."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - MADE)
        for name in sorted(set(names) - MADE):  # in a linked work tree `.git` is a file
            if not name.endswith(MADE_ENDINGS) and not name.startswith(".coverage"):
                yield Path(folder, name)

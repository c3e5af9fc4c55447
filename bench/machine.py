"""Which machine, and which versions of what is not a system under test."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

GIB = 1 << 30


def machine() -> dict[str, object]:
    """Say what the figures were measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / GIB, 1),
        "kernel": platform.release(),
        "system": _first(r'PRETTY_NAME="(.+)"', Path("/etc/os-release")),
    }


def tools() -> dict[str, str]:
    """Say what measured, and what the databases are."""
    said = {
        "wrk": ["wrk", "-v"],
        "redis-server": ["redis-server", "--version"],
        "node": ["node", "--version"],
        "postgresql": ["sh", "-c", "ls /usr/lib/postgresql | sort -n | tail -1"],
    }
    found = {"python": platform.python_version()}
    for name, command in said.items():
        version = _version_in(command)
        if version:
            found[name] = version
    return found


def limen_versions() -> dict[str, str]:
    """Say what Limen runs on."""
    names = ["limen", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy"]
    names += ["aiosqlite", "asyncpg", "redis", "cryptography", "joserfc", "argon2-cffi"]
    return {name: metadata.version(name) for name in names}


def _version_in(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.search(r"\d+(\.\d+)*(-\d+)?", done.stdout + done.stderr)
    return found[0] if found else None


def _cpu() -> str:
    return _first(r"model name\s*: (.+)", Path("/proc/cpuinfo")) or platform.machine()


def _first(pattern: str, path: Path) -> str | None:
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1] if found else None

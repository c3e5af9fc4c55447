"""What the numbers were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_MODEL = re.compile(r"^model name\s*: (.+)$", re.MULTILINE)
_INVOLVED = ("limen", "starlette", "uvicorn")


def machine() -> dict[str, str]:
    """Return the processor, the system and the versions that took part, by name."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _INVOLVED},
        "store": f"SQLite {sqlite3.sqlite_version}, a file beside the process",
    }


def _processor() -> str:
    stated = _CPU_INFO.read_text() if _CPU_INFO.exists() else ""
    found = _MODEL.search(stated)
    return found[1] if found else platform.processor() or platform.machine()

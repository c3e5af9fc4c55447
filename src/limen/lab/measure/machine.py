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


def machine(*, apart: bool) -> dict[str, str]:
    """Return the processor, the system and the versions that take part, by name.

    Ask before anything is measured, since it also says how busy the machine is by itself.
    `apart` says whether the servers are processes of their own.
    """
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load before": _load(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _INVOLVED},
        "store": f"SQLite {sqlite3.sqlite_version}, a file beside the processes",
        "servers": "each a process of its own" if apart else "threads of one process",
    }


def _load() -> str:
    """Return how many processes wanted a core in the last minute, where the system knows."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return f"{os.getloadavg()[0]:.1f} on average, for a minute"


def _processor() -> str:
    stated = _CPU_INFO.read_text() if _CPU_INFO.exists() else ""
    found = _MODEL.search(stated)
    return found[1] if found else platform.processor() or platform.machine()

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
# From here on, half of the cores are somebody else's.
_BUSY_SHARE = 0.5
_INVOLVED = ("limen", "starlette", "uvicorn")


def machine(*, apart: bool) -> dict[str, str]:
    """Return the processor, the system and the versions that take part, by name.

    Ask before anything is measured, since it also says how busy the machine is by itself.
    `apart` says whether the servers are processes of their own.
    """
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load before": "unknown" if (wanted := load()) is None else f"{wanted:.1f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _INVOLVED},
        "store": f"SQLite {sqlite3.sqlite_version}, a file beside the processes",
        "servers": "each a process of its own" if apart else "threads of one process",
    }


def load() -> float | None:
    """Return how many processes wanted a core, on average of the last minute; `None` if unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def is_busy() -> bool:
    """Whether others take so much of the machine that durations say more about them."""
    wanted = load()
    return wanted is not None and wanted > _BUSY_SHARE * (os.cpu_count() or 1)


def _processor() -> str:
    stated = _CPU_INFO.read_text() if _CPU_INFO.exists() else ""
    found = _MODEL.search(stated)
    return found[1] if found else platform.processor() or platform.machine()

"""What measurements share: CPU of a server's processes, and the machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
_UTIME, _CSTIME = 11, 15  # fields of /proc/PID/stat after the name


def cpu_us(pid: int) -> float:
    """Return the CPU that a process and its children have used, in microseconds."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:  # it has ended; its parent has its time
            continue
        fields = text.rpartition(")")[2].split()
        if pid == int(stat.parent.name):
            total += sum(map(int, fields[_UTIME:_CSTIME]))
        elif pid == int(fields[1]):
            total += sum(map(int, fields[_UTIME : _UTIME + 2]))
    return total * _TICK_US


def machine() -> dict[str, str]:
    """Describe where something was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")
    return {
        "processor": f"{os.cpu_count()} cores, {model}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }

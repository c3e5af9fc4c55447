"""The Lab's own child processes: how one is started, and how it has ended."""

from __future__ import annotations

import signal
import sys


def command(module: str) -> list[str]:
    """Return what runs `main` of one of our modules in our own interpreter.

    Not by `-m`: the package has loaded the module already by the time it would be run.
    """
    return [sys.executable, "-c", f"from {module} import main; main()"]


def ended_by(code: int) -> str:
    """Return what ended a process: the name of the signal, where there are signals."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"

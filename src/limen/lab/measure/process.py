"""A server in a process of its own: started, told what to serve, and ended with its input."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

END_TIMEOUT_S: Final = 10.0


class Process:
    """One child process. What it is told holds a secret, so it stands in no list of processes."""

    def __init__(self, told: str) -> None:
        """Start it; it is not ready yet."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "limen.lab.measure.serving"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the Lab, which then ends its children.
            start_new_session=True,
        )
        self._told = told

    def __enter__(self) -> Self:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        self._process.stdin.write(self._told + "\n")
        self._process.stdin.flush()
        return self

    def port(self) -> int:
        """Return its port when it serves; raises `RuntimeError` if it does not come up."""
        assert self._process.stdout is not None  # noqa: S101 - as above
        said = self._process.stdout.readline().strip()
        if not said.isdecimal():
            raise RuntimeError("a server that was to be measured did not start")
        return int(said)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it by ending its input, and if that does not help, by force."""
        try:
            self._process.communicate(timeout=END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

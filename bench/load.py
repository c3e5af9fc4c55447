"""wrk: requests over a few connections, and what their latency was."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CONNECTIONS: Final = 16
OWN_CORE: Final = "1"
GRACE_S: Final = 60
LONGER: Final = 4

# wrk's own report rounds; `done` hands out the histogram itself and costs no request anything.
_REPORT: Final = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"us":%d,"p50":%f,"p99":%f,"status":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


class LoadFailed(Exception):
    """wrk could not measure, or a request was answered by something else than it should be."""


class NobodyAnswered(LoadFailed):
    """Not one answer came in the time there was."""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw. `refused` answers had a status of 400 or more."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int

    @property
    def rate(self) -> float:
        """Answers of a status below 400 in each second."""
        return (self.requests - self.refused) / self.seconds


@dataclass(frozen=True)
class Request:
    """What is sent, over and over."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: str | None = None

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Request:
        """Read a request from what a server said of itself; a body may be an object."""
        body = described.get("body")
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        headers = described.get("headers", {})
        return cls(described["path"], described["method"], headers, body)


def _quoted(text: str) -> str:
    assert "]==]" not in text, "a text that Lua would end early"
    return f"[==[{text}]==]"


def _script(request: Request, pause_ms: int) -> str:
    lines = [f"wrk.method = {_quoted(request.method)}"]
    lines += [
        f"wrk.headers[ {_quoted(name)} ] = {_quoted(value)}"
        for name, value in (request.headers or {}).items()
    ]
    if request.body is not None:
        lines.append(f"wrk.body = {_quoted(request.body)}")
    if pause_ms:
        lines.append(f"delay = function() return {pause_ms} end")
    return "\n".join(lines) + _REPORT


class Wrk:
    """One run of wrk; it begins at once, `result` waits for its end."""

    def __init__(
        self,
        port: int,
        request: Request,
        seconds: int,
        *,
        cores: str = OWN_CORE,
        connections: int = CONNECTIONS,
        pause_ms: int = 0,
    ) -> None:
        """Begin; with `pause_ms` each connection rests so long before each of its requests."""
        self._seconds = seconds
        self._script = tempfile.NamedTemporaryFile("w", suffix=".lua")  # noqa: SIM115 - see stop
        self._script.write(_script(request, pause_ms))
        self._script.flush()
        command = ["taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
        command += ["--timeout", "10s", "--latency", "-s", self._script.name]
        command += [f"http://127.0.0.1:{port}{request.path}"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def result(self, *, may_refuse: bool = False) -> Load:
        """Return what was seen; raises `LoadFailed` if anything went wrong."""
        try:
            said, _ = self._process.communicate(timeout=self._seconds + GRACE_S)
        finally:
            self.stop()
        lines = [line for line in said.splitlines() if line.startswith("{")]
        if self._process.returncode != 0 or not lines:
            raise LoadFailed(f"wrk failed: {said.strip()[-500:]}")
        seen = json.loads(lines[-1])
        if seen["requests"] == 0 and not seen["broken"]:
            raise NobodyAnswered(f"nobody answered within {self._seconds} s")
        if seen["broken"] or (seen["status"] and not may_refuse):
            raise LoadFailed(
                f"of {seen['requests']} requests {seen['status']} were refused and "
                f"{seen['broken']} broken"
            )
        return Load(
            requests=seen["requests"],
            seconds=seen["us"] / 1e6,
            p50_ms=seen["p50"] / 1e3,
            p99_ms=seen["p99"] / 1e3,
            refused=seen["status"],
        )

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._script.close()


def measured(port: int, request: Request, seconds: int, *, connections: int = CONNECTIONS) -> Load:
    """Send one request over and over from the core apart from the server's.

    Asks for longer if that was too short for a single answer.
    """
    try:
        return Wrk(port, request, seconds, connections=connections).result()
    except NobodyAnswered:
        return Wrk(port, request, seconds * LONGER, connections=connections).result()

"""Servers under test: started on a core of their own, checked before they are measured."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any, Final, Self

from bench.environments import PLACE, command_of
from bench.load import Request
from bench.systems import ROOT

if TYPE_CHECKING:
    from bench.databases import Databases
    from bench.systems import System, Variant

SERVER_CORE: Final = "0"
START_S: Final = 60
STOP_S: Final = 10
OK: Final = 200
REFUSED: Final = 401
_PATH: Final = re.compile(r"(?<![\w.:/])/(?:[\w.+@-]+/)+")


class NotServed(Exception):
    """A server did not start, or its routes do not answer as agreed; the message says why."""


def shown(text: str) -> str:
    """Return the last line of what a program said, without where this machine keeps things."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return _PATH.sub("", lines[-1])[:300] if lines else "it said nothing"


class Server:
    """One system in one variant, serving on a free port of 127.0.0.1 until `close`."""

    def __init__(
        self, system: System, variant: Variant, databases: Databases, *, cores: str = SERVER_CORE
    ) -> None:
        """Start it and check it; raises `NotServed`."""
        self.port = _free_port()
        self._place = data_place()
        command = ["taskset", "-c", cores, *command_of(system)]
        command += ["--port", str(self.port), "--variant", variant.name]
        if variant.store == "redis":
            command += ["--redis", databases.redis()]
        if variant.store == "postgresql":
            command += ["--database", databases.postgresql()]
        self._complaints: IO[str] = tempfile.TemporaryFile("w+", dir=self._place.name)  # noqa: SIM115 - see close
        self._process = subprocess.Popen(
            command,
            cwd=self._place.name,
            env=environment(own=not system.is_peer),
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            start_new_session=True,
        )
        try:
            self.said: dict[str, Any] = self._ready()
            self.open = Request("/open")
            self.protected = Request("/protected", headers=self.said["headers"])
            self._check()
        except BaseException:
            self.close()
            raise

    @property
    def versions(self) -> dict[str, str]:
        """What the server runs on, as it says."""
        return {name: str(value) for name, value in self.said["versions"].items()}

    def _ready(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if select.select([self._process.stdout], [], [], 0.2)[0]:
                line = self._process.stdout.readline()
                if line.startswith("{"):
                    said: dict[str, Any] = json.loads(line)
                    return said
                if not line:
                    break
        self._complaints.seek(0)
        raise NotServed(f"it did not start: {shown(self._complaints.read())}")

    def _check(self) -> None:
        for request, status in (
            (self.open, OK),
            (Request("/protected"), REFUSED),
            (self.protected, OK),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_S)
            connection.request("GET", request.path, headers=dict(request.headers or {}))
            response = connection.getresponse()
            body = response.read()
            connection.close()
            right = response.status == status and (status != OK or json.loads(body)["ok"] is True)
            if not right:
                credential = "a" if request.headers else "no"
                raise NotServed(
                    f"{request.path} with {credential} credential answered {response.status}, "
                    f"and not {status}"
                )

    def close(self) -> None:
        """End it and delete what it kept."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        end_group(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._complaints.close()
        self._place.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def end_group(process: subprocess.Popen[str]) -> None:
    """Kill a process and whatever it has started, if anything is left of them."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(*, own: bool) -> dict[str, str]:
    """Return the environment of what is started: nothing that is set here may configure it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LIMEN_", "PYTHON"))}
    return kept | ({"PYTHONPATH": str(ROOT)} if own else {"NODE_ENV": "production"})


def data_place() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder for what a server or a probe keeps."""
    place = PLACE / "data"
    place.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=place)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

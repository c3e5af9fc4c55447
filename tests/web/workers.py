"""Workers of one application, as real processes over one database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from live import bound
from websockets.sync.client import ClientConnection, connect

HERE = Path(__file__).parent
ANSWER_S = 60


@dataclass
class SignedIn:
    """A sign-in of a test, and what its client sends."""

    access: str
    refresh: str | None
    subject: str
    session: str
    key: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


@dataclass
class Worker:
    """One process that serves every application; `at` is one of them."""

    port: int
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def at(self, name: str) -> Application:
        return Application(self, name)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(ANSWER_S)


@dataclass
class Application:
    """One application of one worker."""

    worker: Worker
    name: str

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.worker.port}"

    def order(self, path: str, **query: str) -> Any:
        answer = httpx.post(f"http://{self.host}/{self.name}/orders/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sign_in(self, subject: str) -> SignedIn:
        return SignedIn(**self.order(f"sign-in/{subject}"))

    def revoke(self, kind: str, subject: str = "-", **query: str) -> Any:
        return self.order(f"revoke/{kind}/{subject}", **query)

    def open_now(self) -> Any:
        return httpx.get(f"http://{self.host}/{self.name}/orders/open").json()

    def get(self, path: str, who: SignedIn) -> httpx.Response:
        return httpx.get(f"http://{self.host}/{self.name}/{path}", headers=who.headers)

    @contextlib.contextmanager
    def socket(self, path: str, who: SignedIn) -> Iterator[ClientConnection]:
        """Open a WebSocket and read what it says first."""
        url = f"ws://{self.host}/{self.name}/{path}"
        with connect(url, additional_headers=who.headers, open_timeout=ANSWER_S) as opened:
            assert opened.recv(ANSWER_S) == who.session
            yield opened

    @contextlib.contextmanager
    def stream(self, path: str, who: SignedIn) -> Iterator[Iterator[str]]:
        """Open a stream and read its first line."""
        url = f"http://{self.host}/{self.name}/{path}"
        headers, timeout = who.headers, httpx.Timeout(ANSWER_S)
        with httpx.stream("GET", url, headers=headers, timeout=timeout) as answer:
            assert answer.status_code == 200
            lines = answer.iter_lines()
            assert next(lines).startswith("data:")
            yield lines


@contextlib.contextmanager
def worker(home: Path, named: dict[str, dict[str, Any]]) -> Iterator[Worker]:
    """Run a worker that serves each of the Limens named."""
    with bound() as listener:
        listener.listen(128)
        port = listener.getsockname()[1]
        arguments = [f"{name}={json.dumps(options)}" for name, options in named.items()]
        log = home / f"worker-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, HERE / "sockets_worker.py", str(listener.fileno()), *arguments],
                pass_fds=[listener.fileno()],
                stdout=output,
                stderr=output,
                env=os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE.parent), *sys.path))},
            )
    running = Worker(port, log, process)
    try:
        # The socket listens already, so this waits until the worker answers.
        ready = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=ANSWER_S)
        assert ready.status_code == 200, log.read_text()
        yield running
    finally:
        running.stop()

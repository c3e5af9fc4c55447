"""The whole service over HTTP, by what its OpenAPI document promises; Schemathesis asks.

A real server in a process of its own, over a real SQLite file. Every check that Schemathesis
has is on; `schemathesis.toml` beside this says where the protocol answers otherwise, and why.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from limen import Budget, Limen
from limen.passwords import CHEAPEST
from limen.service.app import create_app
from limen.stores.sql import migrate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SECRET = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
BASE_PATH = "/api/auth"
MOST_SECONDS = 20  # for one answer; a hang is a finding
STOP_SECONDS = 20


@contextlib.contextmanager
def service(strategy: str, place: Path) -> Iterator[str]:
    """Serve one strategy; give the URL of its endpoints, and fail if it died meanwhile."""
    place.mkdir(parents=True, exist_ok=True)
    with socket.socket() as listener:
        # Inherited by what is accepted: without it each answer waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "fuzz.api", strategy, str(place), str(listener.fileno())]
        with (place / "server.log").open("wb") as log:
            server = subprocess.Popen(
                command, pass_fds=[listener.fileno()], env=_environment(url), stdout=log, stderr=log
            )
            try:
                yield f"{url}{BASE_PATH}"
                if server.poll() is not None:
                    raise RuntimeError(f"the server ended with {server.returncode}")
            finally:
                server.terminate()
                server.wait(STOP_SECONDS)


def ask(url: str, place: Path, *options: str) -> tuple[int, str]:
    """Let Schemathesis ask; return its exit code, 0 if nothing was found, and what it said."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/openapi.json"),
        *("--url", url, "--checks", "all", "--no-color", "--continue-on-failure"),
        *("--request-timeout", str(MOST_SECONDS), "--wait-for-schema", "60"),
        *("--report", "json", "--report-json-path", str(place / "report.json")),
        *options,
    ]
    asked = subprocess.run(
        command, cwd=place, env=_environment(url), capture_output=True, text=True, check=False
    )
    return asked.returncode, asked.stdout + asked.stderr


def _environment(url: str) -> dict[str, str]:
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "SCHEMATHESIS_HOOKS": "fuzz.signed_in",
        "FUZZ_URL": url,
    }


def _serve(strategy: str, place: Path, descriptor: int) -> None:
    import uvicorn  # noqa: PLC0415 - only the server needs it

    database = f"sqlite+aiosqlite:///{place / 'limen.db'}"
    migrate(database)
    nothing = Budget("off", limit=0, window=1)
    auth = Limen(
        strategy,  # type: ignore[arg-type]  # one of the three
        secret=SECRET,
        database=database,
        argon2=CHEAPEST,
        account_budget=nothing,
        address_budget=nothing,
        letter_budget=nothing,
        letter_address_budget=nothing,
    )
    config = uvicorn.Config(create_app(auth), lifespan="on", fd=descriptor, log_level="warning")
    uvicorn.Server(config).run()


def main(arguments: Sequence[str]) -> None:
    """Serve; `service` starts this."""
    strategy, place, descriptor = arguments
    _serve(strategy, Path(place), int(descriptor))


if __name__ == "__main__":
    main(sys.argv[1:])

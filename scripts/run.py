"""Starts the example application with a database and a secret of its own under .limen/.

python3 scripts/run.py     PORT=8000 in the environment chooses another port
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PLACE = ROOT / ".limen"
HOST = "127.0.0.1"
SECRET_OCTETS = 32


def development_secret() -> str:
    """Return the secret of this work tree, made at the first call; nobody else can read it."""
    path = PLACE / "secret"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_OCTETS))
    return path.read_text()


def main() -> None:
    """Migrate the database, say what to open, and become the server."""
    port = int(os.environ.get("PORT", "8000"))
    PLACE.mkdir(mode=0o700, exist_ok=True)
    _refuse_taken(port)
    origin = f"http://{HOST}:{port}"
    environment = {
        "LIMEN_SECRET": development_secret(),
        "LIMEN_DATABASE": f"sqlite+aiosqlite:///{PLACE / 'demo.db'}",
    } | os.environ
    subprocess.run([BIN / "limen", "migrate"], cwd=ROOT, env=environment, check=True)
    print(_greeting(origin), flush=True)
    server = [str(BIN / "python"), "-m", "uvicorn", "--app-dir", "examples/fastapi_app"]
    server += ["--host", HOST, "--port", str(port), "main:app"]
    os.chdir(ROOT)
    os.execve(server[0], server, environment)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            sys.exit(f"Port {port} is in use. Choose another: make run PORT={port + 1}")


def _greeting(origin: str) -> str:
    person = '{"name":"Alice","email":"alice@example.org","password":"seven golden teapots"}'
    api = f"{origin}/hybrid"
    return f"""
The example application: open {origin} (Ctrl-C ends it), or try

  curl -c jar -H 'Content-Type: application/json' -d '{person}' {api}/api/auth/sign-up/email
  curl -b jar {api}/me
  curl -b jar -H 'Origin: {origin}' -X POST {api}/api/auth/sign-out

and the second line again: 401, although the jar still holds the credential. For the other
strategies write jwt or session instead of hybrid. The data is in .limen/demo.db.
"""


if __name__ == "__main__":
    main()

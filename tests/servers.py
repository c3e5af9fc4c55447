"""Real servers for tests: private, on a free port of 127.0.0.1, gone afterwards."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from limen.stores.sql import migrate

START_SECONDS = 60
_TEMPLATE = "limen_template"


class PostgresServer:
    """A PostgreSQL of our own. Its order of text is not that of code points, on purpose."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._home = Path(tempfile.mkdtemp(prefix="limen-postgresql-"))
        self._data = self._home / "data"
        self._port = _free_port()
        self._user = _unprivileged()
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        if self._user:
            shutil.chown(self._home, self._user)
        subprocess.run(
            [
                *(self._programs / "initdb", "-D", self._data, "-U", "limen", "-A", "trust"),
                *("-E", "UTF8", "--no-sync", "--locale=C.UTF-8"),
                *("--locale-provider=icu", "--icu-locale=en"),
            ],
            check=True,
            capture_output=True,
            cwd=self._home,
            **self._as_user(),
        )
        self.start()
        self._admin(f'CREATE DATABASE "{_TEMPLATE}"')
        migrate(self._url(_TEMPLATE))

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = (
            f"port={self._port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._home}",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
        )
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", self._data),
                    *(part for setting in settings for part in ("-c", setting)),
                ],
                stdout=log,
                stderr=log,
                cwd=self._home,
                **self._as_user(),
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._admin("SELECT 1")
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._server is not None:
            self._server.send_signal(3)  # SIGQUIT: immediate shutdown
            self._server.wait(START_SECONDS)
            self._server = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self._home)

    def database(self, *, empty: bool = False) -> str:
        """Create a database, with Limen's tables unless it is to be empty; return its URL."""
        name = f"limen_{next(self._numbers)}"
        template = "template1" if empty else _TEMPLATE
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url(name)

    def drop(self, url: str) -> None:
        """Delete a database, whoever is connected."""
        self._admin(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return f"postgresql+asyncpg://limen@127.0.0.1:{self._port}/{name}"

    def _admin(self, statement: str) -> None:
        dsn = f"postgresql://limen@127.0.0.1:{self._port}/postgres"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement)

    def _as_user(self) -> dict[str, str]:
        return {"user": self._user, "group": self._user} if self._user else {}


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    beside = shutil.which("initdb")
    if not found and beside is None:
        raise RuntimeError(
            "PostgreSQL is not installed, and its tests are never skipped. "
            "Install it (Debian: apt-get install postgresql) and run `make test`."
        )
    return found[-1].parent if found else Path(str(beside)).parent


def _unprivileged() -> str:
    """Return whom PostgreSQL runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return ""
    return pwd.getpwnam("postgres").pw_name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

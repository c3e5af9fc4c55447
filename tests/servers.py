"""Real servers for tests: private, on a free port of 127.0.0.1, gone afterwards."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import redis

from limen.stores.sql import migrate

START_SECONDS = 60
_TEMPLATE = "limen_template"


class PostgresServer:
    """A PostgreSQL of our own. Its order of text is not that of code points, on purpose."""

    SETTINGS: tuple[str, ...] = ("fsync=off", "full_page_writes=off", "max_connections=200")

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
            *self.SETTINGS,
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

    def kill(self) -> None:
        """Kill -9 every process of it, with no warning to any."""
        if self._server is not None:
            self._server.send_signal(signal.SIGSTOP)  # it must not notice and restart its children
            for child in _children(self._server.pid):
                os.kill(child, signal.SIGKILL)
            self._server.kill()
            self._server.wait(START_SECONDS)
            self._server = None

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._port

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


class RedisServer:
    """A Redis of our own, which remembers nothing unless it is told to."""

    def __init__(
        self,
        *,
        appendonly: bool = False,
        master: RedisServer | None = None,
        cluster: bool = False,
    ) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            raise RuntimeError(
                "Redis is not installed, and its tests are never skipped. "
                "Install it (Debian: apt-get install redis-server) and run `make test`."
            )
        self._home = Path(tempfile.mkdtemp(prefix="limen-redis-"))
        self._port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._command = [
            *(program, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", self._home),
            *("--save", "", "--appendonly", "yes" if appendonly else "no", "--daemonize", "no"),
            *("--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"),
        ]
        if master is not None:
            self._command += ["--replicaof", "127.0.0.1", str(master.port)]
        if cluster:
            # A cluster's second port must be a valid one as well.
            self._command += ["--cluster-enabled", "yes", "--cluster-port", str(_free_port())]
        self.start()
        if cluster:
            with self.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
                while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                    time.sleep(0.02)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._home)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with self.client() as client:
                    client.ping()
            except redis.exceptions.ConnectionError:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """Kill -9: what it did not write is gone."""
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)
            self._server.kill()
            self._server.wait(START_SECONDS)
            self._server = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP, after which it answers nothing."""
        assert self._server is not None
        self._server.send_signal(number)

    def snapshot(self) -> None:
        """Write everything down as it is now; a start begins from there."""
        with self.client() as client:
            client.save()

    def remove(self) -> None:
        """Kill it and delete everything."""
        self.kill()
        shutil.rmtree(self._home)

    def client(self) -> redis.Redis:
        """Return a client of its own, for looking at it and breaking it."""
        return redis.Redis(port=self._port, protocol=2)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self._port}/0"


def _children(parent: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in found.split()]


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

"""Two versions serve one database while its tables move on: neither notices the other.

The older one is the code of the last commit before the tables of today, run as it was. A clone
without that history runs today's code against tables that are one more migration ahead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from limens import SECRET
from servers import PostgresServer
from sqlalchemy import text

from limen.stores.sql import head_revision, migrate
from limen.stores.sql.database import blocking_engine

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("rolling_process.py")
BEFORE, NEXT = "e3829ae", "9999"
PATIENCE_S = 30
pytestmark = pytest.mark.proves("attack:88")


class Version:
    """A version of Limen that can be started on a database."""

    def __init__(self, source: Path, revision: str | None = None) -> None:
        self.source, self.revision = source, revision

    def run(self, *words: str, **options: Any) -> Any:
        """Return a command of this version, with its own code and no other."""
        env = os.environ | {"PYTHONPATH": str(self.source)}
        return subprocess.Popen([sys.executable, *words], env=env, text=True, **options)


class Process:
    """One running process of one version."""

    def __init__(self, version: Version, url: str, strategy: str) -> None:
        words = [url, strategy, SECRET, *([version.revision] if version.revision else [])]
        self._child = version.run(
            str(WORKER), *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.said = self._read()

    def __call__(self, *request: str) -> Any:
        """Have something done and return what it tells."""
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        return json.loads(self._child.stdout.readline())

    def end(self) -> None:
        """Let it come to its end."""
        self._child.stdin.close()
        self._child.wait(PATIENCE_S)
        self._child.stdout.close()


class Upgrade:
    """The two versions, and how the tables get from the one to the other."""

    def __init__(self, older: Version, newer: Version) -> None:
        self.older, self.newer = older, newer

    def prepare(self, url: str) -> None:
        """Make the tables of the older version, with its own migrations."""
        words = "import sys; from limen.stores.sql import migrate; migrate(sys.argv[1])"
        assert self.older.run("-c", words, url).wait(PATIENCE_S) == 0

    def migrate(self, url: str) -> None:
        """Make the tables of the newer one."""
        if self.newer.revision is None:
            migrate(url)
            return
        engine = blocking_engine(url, 5_000, 1)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE limen_session ADD COLUMN of_tomorrow TEXT"))
            connection.execute(text("CREATE TABLE limen_of_tomorrow (id TEXT PRIMARY KEY)"))
            connection.execute(text(f"UPDATE limen_schema SET version_num = '{NEXT}'"))
        engine.dispose()


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """Take the older version out of the history, if it is there."""
    source = tmp_path_factory.mktemp("older")
    git = ["git", "-C", str(ROOT)]
    there = subprocess.run(
        [*git, "cat-file", "-e", f"{BEFORE}^{{commit}}"], capture_output=True, check=False
    )
    if there.returncode:
        print(f"{BEFORE} is not in this clone: today's code meets tables of tomorrow")
        today = ROOT / "src"
        return Upgrade(Version(today), Version(today, NEXT))
    packed = subprocess.run([*git, "archive", BEFORE, "src"], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", source], input=packed.stdout, check=True)
    print(f"the code of {BEFORE} meets that of today at revision {head_revision()}")
    return Upgrade(Version(source / "src"), Version(ROOT / "src"))


@pytest.fixture
def url(request: pytest.FixtureRequest, store: str, tmp_path: Path) -> Iterator[str]:
    if store == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/limen.db"
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    made = server.database(empty=True)
    yield made
    server.drop(made)


class Busy(threading.Thread):
    """Keeps a process at work, and remembers what did not go well."""

    def __init__(self, process: Process) -> None:
        super().__init__(daemon=True)
        self.process, self.over, self.rounds, self.wrong = process, threading.Event(), 0, []  # type: ignore[var-annotated]

    def run(self) -> None:
        """Sign in, refresh and look until told to stop."""
        while not self.over.is_set():
            one = self.process("remember", "usr_busy")
            two = self.process("refresh", one["renewing"]) if isinstance(one, dict) else one
            if not isinstance(two, dict) or not self.process("authenticate", two["access"]):
                self.wrong.append((one, two))
            self.rounds += 1


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something is so, within what a feed may take many times over."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(("store", "strategy"), [("sqlite", "session"), ("postgresql", "hybrid")])
def test_old_and_new_serve_one_database_while_its_tables_move_on(
    store: str, url: str, strategy: str, upgrade: Upgrade
) -> None:
    del store  # it chose the database
    upgrade.prepare(url)
    with ExitStack() as stack:

        def start(version: Version) -> Process:
            process = Process(version, url, strategy)
            stack.callback(process.end)
            return process

        old = start(upgrade.older)
        assert old.said == "open"
        ada = old("sign_up", "ada@example.org", "correct horse battery")
        # The newer one does not begin before its tables are there.
        assert "MigrationNeeded" in start(upgrade.newer).said
        busy = Busy(old)
        busy.start()
        soon(lambda: busy.rounds > 1)
        upgrade.migrate(url)
        rounds = busy.rounds
        soon(lambda: busy.rounds > rounds + 1)
        busy.over.set()
        busy.join(PATIENCE_S)
        assert busy.wrong == []
        new = start(upgrade.newer)
        assert new.said == "open"

        # Each verifies what the other gave, and goes on with what the other began.
        assert new("authenticate", ada["access"])
        bob = new("sign_up", "bob@example.org", "correct horse battery")
        assert old("authenticate", bob["access"])
        assert isinstance(old("sign_in", "bob@example.org", "correct horse battery"), dict)
        for first, second in ((new, old), (old, new)):
            ada = first("refresh", ada["renewing"])
            ada = second("refresh", ada["renewing"])
            assert first("authenticate", ada["access"])
            assert second("authenticate", ada["access"])
        # And what the one ends is over for the other.
        for ends, hears in ((new, old), (old, new)):
            gone = hears("sign_in", "ada@example.org", "correct horse battery")
            assert hears("authenticate", gone["access"])
            assert ends("revoke", gone["session"]) == 1
            soon(lambda hears=hears, gone=gone: not hears("authenticate", gone["access"]))  # type: ignore[misc]
            assert isinstance(hears("refresh", gone["renewing"]), str)
        assert new("revoke_user", ada["subject"]) == old("sessions", ada["subject"]) + 1
        soon(lambda: not old("authenticate", ada["access"]))
        # One of the older that starts now is not let in: it would not know what it lacks.
        assert "MigrationNeeded" in start(upgrade.older).said

"""The real `limen` executable, run in a folder of its own with an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from limens import SECRET

from limen import BlockingLimen, SignedIn
from limen.passwords import CHEAPEST

LIMEN = Path(sys.executable).with_name("limen")
PASSWORD = "correct horse battery staple"
EMAIL = "ada@example.org"
PATIENCE_S = 60
# The cheapest hash, so that a test that adds an account does not wait for it.
CHEAP = {"LIMEN_ARGON2_MEMORY": "8", "LIMEN_ARGON2_PASSES": "1", "LIMEN_ARGON2_LANES": "1"}


class Terminal:
    """Runs `limen` with `home` as the current folder and only the variables in `env`."""

    def __init__(self, home: Path, database: str | None = None) -> None:
        self.home = home
        self.database = database or f"sqlite+aiosqlite:///{home / 'app.db'}"
        self.env = {
            "PATH": os.environ["PATH"],
            "LIMEN_SECRET": SECRET,
            "LIMEN_DATABASE": self.database,
            **CHEAP,
        }
        if "PYTHONPATH" in os.environ:  # another copy of the sources is under test
            self.env["PYTHONPATH"] = os.environ["PYTHONPATH"]

    def run(
        self, *words: str, typed: str | bytes = "", **env: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command; a variable given as `None` is not set."""
        merged = self.env | env
        done = subprocess.run(
            [LIMEN, *words],
            cwd=self.home,
            env={name: value for name, value in merged.items() if value is not None},
            input=typed.encode() if isinstance(typed, str) else typed,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        for hidden in (PASSWORD, SECRET):
            assert hidden not in out + err
        assert "\x1b" not in out + err, "no colour where nobody sees it"
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def ok(self, *words: str, typed: str = "", **env: str | None) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.run(*words, typed=typed, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str, **env: str | None) -> Any:
        """Run a command that must succeed with `--json`, and return what it says."""
        return json.loads(self.ok(*words, "--json", **env))

    def limen(self) -> BlockingLimen:
        """Return a Limen over the same database, to make what the commands look at."""
        return BlockingLimen(secret=SECRET, database=self.database, argon2=CHEAPEST)

    def sign_in(self, email: str = EMAIL) -> SignedIn:
        """Sign somebody in, as a client of the service would."""
        with self.limen() as auth:
            signed_in = auth.sign_in(email, PASSWORD)
        assert isinstance(signed_in, SignedIn)
        return signed_in

"""The published better-auth server, which makes real users, hashes, sessions and cookies."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes import node

SECRET = "th3irs-Qe-27ncAKp0xzLmVbTtRuYiOq-k3yHfdjw9"
PASSWORD = "correct horse battery"
ORIGIN = "https://app.example"


@dataclass
class Answer:
    """What better-auth answered to one request."""

    status: int
    body: Any
    cookies: list[str]
    bearer: str | None

    @property
    def cookie(self) -> str:
        """The session cookie as a browser sends it."""
        return next(one for one in self.cookies if "session_token=" in one)


@dataclass
class BetterAuth:
    """A better-auth server that runs for the length of a call; its file stays."""

    folder: Path
    file: Path
    origin: str = ORIGIN
    secondary: dict[str, str] | None = None

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def ask(self, *requests: dict[str, Any]) -> list[Answer]:
        """Send it requests, one after the other."""
        ran = subprocess.run(
            [node(), "better-auth-server.mjs", self.file, self.origin, SECRET],
            cwd=self.folder,
            env=os.environ | ({"SECONDARY": "1"} if self.secondary is not None else {}),
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        said = json.loads(ran.stdout)
        if self.secondary is not None:
            self.secondary.update(said["secondary"])
        answers = [Answer(**one) for one in said["answers"]]
        assert all(one.status == 200 for one in answers), answers
        return answers

    def sign_up(self, *names: str) -> list[Answer]:
        """Sign people up with `PASSWORD`."""
        return self.ask(*map(signing_up, names))

    def change(self, statement: str, *values: object) -> None:
        """Change its database, as its administrator could."""
        connection = sqlite3.connect(self.file)
        with connection:
            connection.execute(statement, values)
        connection.close()


def signing_up(name: str) -> dict[str, Any]:
    body = {"name": name, "email": f"{name.lower()}@example.org", "password": PASSWORD}
    return {"path": "/sign-up/email", "body": body | {"username": f"{name}_1"}}


def signing_in(name: str) -> dict[str, Any]:
    body = {"email": f"{name.lower()}@example.org", "password": PASSWORD}
    return {"path": "/sign-in/email", "body": body}

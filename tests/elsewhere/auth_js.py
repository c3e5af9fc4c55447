"""The published @auth/core and next-auth, which make real sessions and tokens."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from nodes import node

SECRET = "th3irs-auth-js-27ncAKp0xzLmVbTtRuYiOq"
ORIGIN = "https://app.example"
COOKIES = {5: "__Secure-authjs.session-token", 4: "__Secure-next-auth.session-token"}


def auth_core(folder: Path, file: Path, *words: str) -> list[str]:
    """Sign people in by their addresses, or out by their cookies after `--`."""
    ran = subprocess.run(
        [node(), "auth-core-server.mjs", file, ORIGIN, SECRET, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    cookies: list[str] = json.loads(ran.stdout)
    assert all(cookies), ran.stderr
    return cookies


def tokens(folder: Path, version: int, *claims: dict[str, Any], **given: Any) -> list[str]:
    """Have tokens encrypted as an application of that version does."""
    library = {5: "five", 4: "four"}[version]
    common = {"secret": SECRET, **({"salt": COOKIES[5]} if version == 5 else {}), **given}
    asked = [[library, "encode", {"token": one, **common}] for one in claims]
    ran = subprocess.run(
        [node(), "tokens.mjs"],
        cwd=folder,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    made: list[str] = json.loads(ran.stdout)
    return made

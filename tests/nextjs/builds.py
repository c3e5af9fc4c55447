"""One production build of each Next.js example, made again only when its sources changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodes import node

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
NEXT: Final = EXAMPLES / "node_modules" / "next" / "dist" / "bin" / "next"
PLACE: Final = ROOT / ".limen" / "nextjs"
API_PORT: Final = 8000
_MADE: Final = {"node_modules", ".next", "__pycache__", "next-env.d.ts"}


@dataclass(frozen=True)
class Build:
    """What `next build` made of an example, for an API that listens at `api`.

    Next.js fixes the targets of rewrites when it builds. So the address is one that stays, as
    `http://api:8000` is in a deployment, and a test decides what answers there: an address of
    the loopback network that only this work tree uses.
    """

    example: str
    api: tuple[str, int]

    @property
    def place(self) -> Path:
        return EXAMPLES / self.example

    @property
    def api_url(self) -> str:
        return f"http://{self.api[0]}:{self.api[1]}"


@contextlib.contextmanager
def built(example: str) -> Iterator[Build]:
    """Give the build of an example; only one test process has it at a time."""
    assert NEXT.is_file(), "the packages of examples/ are missing; run `make services`"
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / f"{example}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _build(example)


def _build(example: str) -> Build:
    # Beside the build: whoever builds again, for another API, takes the stamp away with it.
    stamp = EXAMPLES / example / ".next" / "limen.json"
    digest = _digest(example)
    held = json.loads(stamp.read_text()) if stamp.is_file() else {}
    if held.get("digest") == digest:
        return Build(example, (held["host"], API_PORT))
    host = "127." + ".".join(str(1 + secrets.randbelow(254)) for _ in range(3))
    build = Build(example, (host, API_PORT))
    made = subprocess.run(
        [node(), NEXT, "build"],
        cwd=build.place,
        env=environment(LIMEN_API=build.api_url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    stamp.write_text(json.dumps({"digest": digest, "host": host}))
    return build


def environment(**more: str) -> dict[str, str]:
    """Return the environment that Next.js runs in: nothing is reported to anybody."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("LIMEN_", "NODE_"))}
    return ours | {"NEXT_TELEMETRY_DISABLED": "1", "NODE_ENV": "production"} | more


def _digest(example: str) -> str:
    """Return a digest of everything that goes into the build."""
    found = hashlib.sha256()
    lock = EXAMPLES / "package-lock.json"
    for path in [lock, *sorted(_sources(EXAMPLES / example))]:
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def _sources(place: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(place):
        folders[:] = set(folders) - _MADE
        yield from (Path(folder, name) for name in names if name not in _MADE)

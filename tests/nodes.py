"""What comes from npm, and the Node.js that runs it: the pinned one, a package itself."""

from __future__ import annotations

import fcntl
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

NPM: Final = Path(__file__).parent / "npm"
_INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
_MACHINES: Final = {"x86_64": "x64", "aarch64": "arm64"}


def node() -> str:
    """Return the path of Node.js; of another machine's kind, the system's own is taken."""
    kind = _MACHINES.get(platform.machine(), platform.machine())
    pinned = NPM / "node_modules" / f"node-linux-{kind}" / "bin" / "node"
    found = str(pinned) if pinned.is_file() else shutil.which("node")
    assert found, "there is no Node.js; run `make services`"
    return found


def install() -> Path:
    """Install the pinned packages once; two workers do not do it at the same time."""
    with (NPM / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (NPM / "node_modules" / "better-auth").is_dir():
            subprocess.run(_INSTALL, cwd=NPM, check=True, capture_output=True, timeout=110)
    return NPM


def run(folder: Path, script: str, *arguments: str, given: str = "") -> str:
    """Run a script of the folder and return what it printed; it must not fail."""
    done = subprocess.run(
        [node(), script, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

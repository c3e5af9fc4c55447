"""The Node.js that runs what comes from npm: the pinned one, which is an npm package itself."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Final

NPM: Final = Path(__file__).parent / "npm"
_MACHINES: Final = {"x86_64": "x64", "aarch64": "arm64"}


def node() -> str:
    """Return the path of Node.js; of another machine's kind, the system's own is taken."""
    kind = _MACHINES.get(platform.machine(), platform.machine())
    pinned = NPM / "node_modules" / f"node-linux-{kind}" / "bin" / "node"
    found = str(pinned) if pinned.is_file() else shutil.which("node")
    assert found, "there is no Node.js; run `make services`"
    return found

"""Installs what the tests drive besides Python: databases, a browser, Node, wrk.

Only what is missing is installed, and nothing is started: tests start private instances on
127.0.0.1. The npm packages of `tests/npm` and of `examples` are installed from their locks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import system_packages

ROOT = Path(__file__).resolve().parent.parent
LOCKED = (ROOT / "tests" / "npm", ROOT / "examples")


def missing_packages() -> list[str]:
    """Return the Debian packages of what is not here yet."""
    packages = []
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        packages.append("postgresql")
    if shutil.which("redis-server") is None:
        packages.append("redis-server")
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        packages += [_browser(), "fonts-liberation"]
    if shutil.which("wrk") is None:
        packages.append("wrk")
    if shutil.which("node") is None:
        packages.append("nodejs")
    if shutil.which("npm") is None:
        packages.append("npm")
    return packages


def _browser() -> str:
    release = Path("/etc/os-release")
    lines = release.read_text().splitlines() if release.exists() else []
    return "chromium-browser" if "ID=ubuntu" in lines else "chromium"


def install_npm_packages(place: Path) -> None:
    """Run `npm ci` in a folder whose lock has changed."""
    lock, stamp = place / "package-lock.json", place / "node_modules" / ".limen"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    name = place.relative_to(ROOT)
    print(f"Installing the npm packages of {name}", flush=True)
    # Lock files name no host, so that any configured registry serves them.
    environment = os.environ | {"npm_config_omit_lockfile_registry_resolved": "true"}
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    if subprocess.run(command, cwd=place, env=environment, check=False).returncode != 0:
        sys.exit(f"npm could not install {name}; see above.")
    stamp.write_text(digest)


def main() -> None:
    """Install what is missing."""
    missing = missing_packages()
    if missing:
        system_packages.install(missing, "The tests need more than Python")
    for place in LOCKED:
        install_npm_packages(place)


if __name__ == "__main__":
    main()

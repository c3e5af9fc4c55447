"""Makes `.venv` from a committed lock, and does nothing when it is up to date.

    python3 scripts/environment.py dev     everything for tests and lint
    python3 scripts/environment.py run     what the example application needs

Needs Python 3.11 or newer and nothing else. Every package is pinned with its hashes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import system_packages

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
# What each environment is made from. `dev` holds all that `run` does, in the same versions.
LOCKS = {"dev": "requirements/dev.lock", "run": "requirements/run.lock"}
COVERED_BY = {"dev": ("dev",), "run": ("dev", "run")}


def main() -> None:
    """Bring one environment up to date."""
    which = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if which not in LOCKS:
        sys.exit(f"usage: environment.py {' | '.join(LOCKS)}")
    if sys.version_info < OLDEST:
        sys.exit(
            f"Limen needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}"
            f" ({sys.executable}). Name another one: make PYTHON=python3.12 ..."
        )
    if any(
        _stamp(one).is_file() and _stamp(one).read_text() == _digest(one)
        for one in COVERED_BY[which]
    ):
        return
    _make_venv()
    _install(LOCKS[which])
    _stamp(which).write_text(_digest(which))


def _stamp(which: str) -> Path:
    return VENV / f".limen-{which}"


def _digest(which: str) -> str:
    """Return what an environment depends on: lock, project file, place and interpreter."""
    parts = [(ROOT / name).read_bytes() for name in (LOCKS[which], "pyproject.toml")]
    parts += [str(ROOT).encode(), sys.version.encode()]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _make_venv() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if _is_usable(version):
        return
    if importlib.util.find_spec("ensurepip") is None:
        # Debian and Ubuntu ship the means to make a virtual environment separately.
        system_packages.install([f"python{version}-venv"], "Python's venv module is not complete")
    print(f"Making .venv with Python {version}", flush=True)
    # Not this process: `ensurepip` may have arrived after it started.
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if made.returncode != 0:
        sys.exit("Python could not make .venv; see above.")


def _is_usable(version: str) -> bool:
    """Tell whether there is a venv of this Python in this place; a moved one is of no use."""
    if not PYTHON.exists() or not (VENV / "bin" / "pip").exists():
        return False
    script = "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    asked = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=False)
    first_line = (VENV / "bin" / "pip").read_text(errors="replace").splitlines()[0]
    return asked.stdout.strip() == f"{VENV} {version}" and str(VENV) in first_line


def _install(lock: str) -> None:
    print(f"Installing {lock} into .venv", flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    environment = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
    for arguments in (
        ["--require-hashes", "-r", lock],
        # The build tool is in the lock as well, so nothing is fetched without a hash.
        ["--no-deps", "--no-build-isolation", "-e", "."],
    ):
        done = subprocess.run([*pip, *arguments], cwd=ROOT, env=environment, check=False)
        if done.returncode != 0:
            sys.exit(f"pip could not install {lock}; see above.")


if __name__ == "__main__":
    main()

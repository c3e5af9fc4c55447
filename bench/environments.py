"""Makes what is needed to measure: wrk, and one environment for Limen and for each peer.

    python3 -m bench.environments          all of them
    python3 -m bench.environments limen    only what Limen's own rows need

Everything lies under `.limen/bench/`, apart from `.venv`, is made from committed locks, and
is left alone while it is up to date. Needs Python 3.11 or newer and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench.systems import ROOT, System, peers

sys.path.insert(0, str(ROOT / "scripts"))

import system_packages

PLACE: Final = ROOT / ".limen" / "bench"
OWN: Final = PLACE / "limen"
LOCK: Final = ROOT / "requirements" / "bench.lock"
# What is driven besides Python and PostgreSQL, and the Debian package that has it.
PROGRAMS: Final = {"wrk": "wrk", "taskset": "util-linux", "redis-server": "redis-server"}
FOR_PEERS: Final = {"node": "nodejs", "npm": "npm"}
AT_ONCE: Final = 2  # environments that are made at the same time: npm compiles, pip fetches
STAMP: Final = ".limen-made-from"


class CannotInstall(Exception):
    """An environment could not be made; the message says which and by what."""


def python_of(place: Path) -> str:
    """Return the interpreter of a virtual environment."""
    return str(place / "bin" / "python")


def place_of(system: System) -> Path:
    """Return where a system's environment lies."""
    return PLACE / "peers" / system.folder.name if system.is_peer else OWN


def command_of(system: System) -> list[str]:
    """Return the program that serves a system, without its arguments."""
    if system.kind == "node":
        # Node looks for packages beside the file that asks for them.
        return ["node", str(place_of(system) / system.entry)]
    return [python_of(place_of(system)), str(system.folder / system.entry)]


def install_programs(*, with_peers: bool) -> None:
    """Install by apt what is not there."""
    programs = PROGRAMS | (FOR_PEERS if with_peers else {})
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
        missing.append("postgresql")
    if missing:
        system_packages.install(missing, "The measurements need more than Python")


def make_own() -> None:
    """Make the environment in which Limen is measured; raises `CannotInstall`."""
    sources = [LOCK, ROOT / "pyproject.toml"]
    _made(
        OWN, sources, lambda: _virtual(OWN, LOCK, ["--no-deps", "--no-build-isolation", "-e", "."])
    )


def make_peer(system: System) -> None:
    """Make the environment of one peer; raises `CannotInstall`."""
    place = place_of(system)
    if system.kind == "node":
        files = [path for path in sorted(system.folder.rglob("*")) if path.is_file()]
        files = [path for path in files if "node_modules" not in path.parts]
        _made(place, files, lambda: _node(place, system.folder))
    else:
        lock = system.folder / "requirements.lock"
        _made(place, [lock], lambda: _virtual(place, lock))


def _made(place: Path, sources: Iterable[Path], make: Callable[[], None]) -> None:
    parts = [str(place).encode(), sys.version.encode()]
    parts += [path.name.encode() + b"\0" + path.read_bytes() for path in sources]
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(one).digest() for one in parts)).hexdigest()
    stamp = place / STAMP
    if stamp.is_file() and stamp.read_text() == digest:
        return
    print(f"  installing {place.name}", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    make()
    stamp.write_text(digest)


def _virtual(place: Path, lock: Path, also: list[str] | None = None) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        system_packages.install([f"python{version}-venv"], "Python's venv module is not complete")
    _run(place, [sys.executable, "-m", "venv", str(place)])
    pip = [python_of(place), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    _run(place, [*pip, "-q", "--require-hashes", "-r", str(lock)])
    if also:
        _run(place, [*pip, "-q", *also])


def _node(place: Path, folder: Path) -> None:
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("node_modules"))
    _run(place, ["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=place)


def _run(place: Path, command: list[str], cwd: Path = ROOT) -> None:
    environment = os.environ | {
        "PIP_ROOT_USER_ACTION": "ignore",
        # Lock files name no host, so that any configured registry serves them.
        "npm_config_omit_lockfile_registry_resolved": "true",
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise CannotInstall(f"{place.name}: {command[0].rpartition('/')[2]} failed:\n{said}")


def main() -> None:
    """Make them; a peer that cannot be made is reported and is not measured."""
    alone = sys.argv[1:] == ["limen"]
    install_programs(with_peers=not alone)
    try:
        make_own()
    except CannotInstall as fault:
        sys.exit(str(fault))
    if alone:
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        making = [pool.submit(make_peer, peer) for peer in peers()]
    for made in making:
        try:
            made.result()
        except CannotInstall as fault:
            print(f"  {fault}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Writes requirements/*.lock again: exact versions of everything, with hashes.

    .venv/bin/python scripts/lock.py [--upgrade]

Without `--upgrade` versions stay as they are unless pyproject.toml or an .in file asks for
others. The resolver lives in a temporary environment and is not part of the project.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {
    "run": ("fastapi", "cli", "lab"),
    "dev": ("postgresql", "redis", "fastapi", "cli", "lab", "social", "mail", "bcrypt"),
    "bench": ("postgresql", "redis", "fastapi", "cli"),
}
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
    "--quiet",
)


def main() -> None:
    """Resolve `dev` first; the others then take the same versions."""
    with tempfile.TemporaryDirectory() as place:
        venv.create(place, with_pip=True)
        resolver = Path(place) / "bin" / "uv"
        subprocess.run([Path(place) / "bin" / "pip", "install", "-q", "uv"], check=True)
        for name in ("dev", "run", "bench"):
            command = [str(resolver), "pip", "compile", *OPTIONS, *sys.argv[1:]]
            command += [f"--extra={extra}" for extra in EXTRAS[name]]
            if name != "dev":
                command.append("--constraints=requirements/dev.lock")
            command += ["pyproject.toml", f"requirements/{name}.in"]
            command.append(f"--output-file=requirements/{name}.lock")
            subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()

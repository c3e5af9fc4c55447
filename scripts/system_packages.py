"""Installs Debian packages where something is missing; needs root or sudo only then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# While packages are unpacked their services must not start: tests start private instances.
_INSTALL = """
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\\nexit 101\\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
"""


def install(packages: Sequence[str], why: str) -> None:
    """Install packages by apt; ends the program with a clear message if that fails."""
    print(f"{why}: installing {' '.join(packages)} by apt-get", flush=True)
    if shutil.which("apt-get") is None:
        sys.exit(f"There is no apt-get here. Install yourself: {' '.join(packages)}")
    command = ["sh", "-eu", "-c", _INSTALL, "install", *packages]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            sys.exit(f"Neither root nor sudo. As root: apt-get install {' '.join(packages)}")
        command = ["sudo", *command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"apt-get could not install: {' '.join(packages)}")

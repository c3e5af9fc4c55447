"""What runs in that process: `python -m limen.lab.measure.serving`.

It reads what to serve as one line, writes its port as another, and serves until its input
ends; so it does not outlive who started it.
"""

from __future__ import annotations

import sys

from limen.lab.measure.servers import Grounds, served_here


def main() -> None:
    """Serve until the input ends."""
    out, sys.stdout = sys.stdout, sys.stderr  # whatever else prints is no port
    with served_here(Grounds.from_json(sys.stdin.readline())) as port:
        print(port, file=out, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

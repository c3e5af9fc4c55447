"""A process that signs in, forks, and ends; its child is asked afterwards. See test_forks.py.

python forked.py URL STRATEGY HOW FOLDER: the child writes the names of its verdicts.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from limens import SECRET

from limen import Authentication, BlockingLimen

WAIT_S = 30


def until(path: Path) -> None:
    """Wait for a file to appear."""
    end = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.01)


def main() -> None:
    """Sign in, fork and say what the child hears."""
    url, strategy, how, place = *sys.argv[1:4], Path(sys.argv[4])
    site = BlockingLimen(strategy, database=url, secret=SECRET)  # type: ignore[arg-type]
    site.open()
    signed_in = site.remember(Authentication("usr_a", site.assembly.clock.now()))
    credential = signed_in.issued.access.reveal()  # type: ignore[union-attr]
    site.authenticate(credential)
    if how == "busy":
        for _ in range(3):
            threading.Thread(target=asked_without_end, args=(site, credential), daemon=True).start()
        time.sleep(0.1)
    for _ in range(10 if how == "busy" else 0):  # one of these would find a lock held
        if os.fork() == 0:
            signal.alarm(10)
            site.authenticate(credential)
            os._exit(0)
        assert os.wait()[1] == 0, "a child hung"
    if os.fork():
        os._exit(0) if how == "exits" else site.close()
        return
    before = type(site.authenticate(credential)).__name__
    (place / "handle").write_text(signed_in.issued.principal.session_id)  # type: ignore[union-attr]
    (place / "ready").touch()
    until(place / "revoked")
    after = type(site.authenticate(credential)).__name__
    (place / "said.part").write_text(f"{before} {after}")
    (place / "said.part").rename(place / "said")
    os._exit(0)


def asked_without_end(site: BlockingLimen, credential: str) -> None:
    """Authenticate until the process ends."""
    while True:
        site.authenticate(credential)


if __name__ == "__main__":
    main()

"""Prints how long the verifier takes for each forged token of the tests, the slowest first.

.venv/bin/python scripts/forged_times.py [how many]
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "vectors"))

from forged import cases
from forging import NOW, POLICY, contexts

from limen.claims import examine

ROUNDS = 5  # the least of them counts: CPU time, so that what else the machine does is left out


def main(shown: int) -> None:
    """Measure every case of every context."""
    measured = []
    for at in contexts():
        for name, presented in cases(at):
            spent = []
            for _ in range(ROUNDS):
                began = time.thread_time_ns()
                examine(presented, at.keys, POLICY, NOW)
                spent.append(time.thread_time_ns() - began)
            measured.append((min(spent) / 1e6, at.algorithm, name))
    measured.sort(reverse=True)
    middle = statistics.median(one[0] for one in measured)
    print(f"{len(measured)} tokens, median {middle * 1000:.1f} us")
    for milliseconds, algorithm, name in measured[:shown]:
        print(f"{milliseconds:8.3f} ms  {algorithm:6} {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

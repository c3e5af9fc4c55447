"""One run of the suite: what it must have done to prove anything, and that nothing was broken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backends import BACKENDS, Backend
from campaign import KINDS, Kind, environment, run
from checker import Report
from faults import Fault

# At least so many operations in the suite, shared out among its runs.
OPERATIONS: Final = 100_000
SHARE: Final = math.ceil(OPERATIONS / (len(BACKENDS) * len(KINDS)))


def prove(backend: Backend, kind: Kind, faults: Sequence[Fault], place: Path) -> Report:
    """Run workers against a store, let everything go wrong, and fail if a rule was broken."""
    environment()
    report = run(backend, kind, faults, SHARE, place)
    assert not report.broken, "\n".join(map(str, report.violations))
    counts = report.counts
    # A run in which nothing was at stake would have proved nothing.
    assert report.operations >= SHARE
    assert counts["read accepted"] > SHARE / 5, counts
    assert counts["read after its revocation"] > SHARE / 10, counts
    assert counts["revoke accepted"] > SHARE / 500, counts
    assert counts["refresh accepted"] > SHARE / 500, counts
    return report

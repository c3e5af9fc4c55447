"""Many processes over one PostgreSQL that is killed, cut off, held up and slowed down.

What is asked of a run is said in `test_history_sqlite.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backends import Backend, postgresql
from campaign import KINDS, Kind
from faults import faults_of, step_clock_back
from proof import prove


@pytest.fixture(scope="module")
def store() -> Iterator[Backend]:
    with postgresql() as store:
        yield store


@pytest.mark.proves("asvs:15.4.2", "attack:78", "attack:79")
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_nothing_revoked_is_accepted_over_postgresql(store: Backend, kind: Kind, tmp_path) -> None:
    faults = faults_of(store.name, signed=kind.signed, fed=kind.fed)
    # Without it the grace of a refresh token can be short, so that replays are seen.
    faults = tuple(fault for fault in faults if fault is not step_clock_back)
    report = prove(store, kind, faults, tmp_path / "run")
    # It was away, and somebody noticed.
    assert sum(report.counts[f"{verb} unavailable"] for verb in ("read", "refresh", "revoke")) > 0

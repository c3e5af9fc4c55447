"""Many processes over one Redis that is killed, cut off, flushed and set back to an old state.

What is asked of a run is said in `test_history_sqlite.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backends import Backend, redis
from campaign import KINDS, Kind
from faults import faults_of
from proof import prove


@pytest.fixture(scope="module")
def store() -> Iterator[Backend]:
    with redis() as store:
        yield store


@pytest.mark.proves("asvs:15.4.2", "attack:78", "attack:79")
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_nothing_revoked_is_accepted_over_redis(store: Backend, kind: Kind, tmp_path) -> None:
    faults = faults_of(store.name, signed=kind.signed, fed=kind.fed)
    report = prove(store, kind, faults, tmp_path / "run")
    # It was away, and somebody noticed.
    assert sum(report.counts[f"{verb} unavailable"] for verb in ("read", "refresh", "revoke")) > 0

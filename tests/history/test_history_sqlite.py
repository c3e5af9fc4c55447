"""Many processes over one SQLite file, killed in the middle of a write among other things.

Every operation's call and return are recorded by one clock and judged afterwards: with
`check="store"` no accepted request began after the `revoke` that covers it had returned, with
the feed none later than `max_lag` after that. See `checker` for all the rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backends import Backend, sqlite
from campaign import KINDS, Kind
from faults import faults_of
from proof import prove


@pytest.fixture(scope="module")
def store() -> Iterator[Backend]:
    with sqlite() as store:
        yield store


@pytest.mark.proves("asvs:15.4.2", "attack:78", "attack:79")
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_nothing_revoked_is_accepted_over_sqlite(store: Backend, kind: Kind, tmp_path) -> None:
    faults = faults_of(store.name, signed=kind.signed, fed=kind.fed)
    prove(store, kind, faults, tmp_path / "run")

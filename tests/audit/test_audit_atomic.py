"""A change and its event are kept together or not at all, also when the process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from limens import QUICK

from limen import AuditKind, BlockingLimen, StoreUnavailable
from limen.stores.sql import migrate
from limen.stores.sql.database import blocking_engine

PASSWORD = "correct horse battery"
ENOUGH = 40
WORKER = """
import sys
from limens import QUICK
from limen import Authentication, BlockingLimen
with BlockingLimen("session", database=sys.argv[1], **QUICK) as limen:
    while True:
        limen.remember(Authentication("usr_ada", 1))
        print("one", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        there: str = request.getfixturevalue("postgresql_url")
        return there
    here = f"sqlite+aiosqlite:///{tmp_path / 'limen.db'}"
    migrate(here)
    return here


def _execute(url: str, statement: str) -> None:
    engine = blocking_engine(url, 5_000, 1)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def test_what_cannot_be_told_is_not_done(url: str) -> None:
    with BlockingLimen("session", database=url, **QUICK) as limen:
        ada = limen.add_account("ada@example.org", PASSWORD)
        signed_in = limen.sign_in("ada@example.org", PASSWORD)
        _execute(url, "ALTER TABLE limen_audit RENAME TO limen_lost")
        for refused in (
            lambda: limen.sign_in("ada@example.org", PASSWORD),
            lambda: limen.sign_in("ada@example.org", "wrong horse"),
            lambda: limen.disable(ada.id),  # type: ignore[union-attr]
            lambda: limen.set_roles(ada.id, ["admin"]),  # type: ignore[union-attr]
            lambda: limen.sign_up("bob@example.org", PASSWORD),
        ):
            with pytest.raises(StoreUnavailable):
                refused()
        _execute(url, "ALTER TABLE limen_lost RENAME TO limen_audit")
        standing = limen.account(ada.id)  # type: ignore[union-attr]
        assert standing is not None
        assert (standing.disabled, standing.roles) == (False, frozenset())
        assert limen.account_by_email("bob@example.org") is None
        (session,) = limen.sessions(ada.id)  # type: ignore[union-attr]
        assert session.id == signed_in.issued.principal.session_id  # type: ignore[union-attr]
        (accepted,) = limen.audit(kinds=[AuditKind.SIGN_IN_ACCEPTED])
        assert accepted.session_id == session.id


def test_a_killed_process_loses_no_event(url: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert worker.stdout is not None
    for _ in range(ENOUGH):
        assert worker.stdout.readline()
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    with BlockingLimen("session", database=url, **QUICK) as limen:
        opened = {one.id for one in limen.sessions("usr_ada")}
        told = {one.session_id for one in limen.audit(subject="usr_ada", limit=100_000)}
    assert opened == told
    assert len(opened) >= ENOUGH

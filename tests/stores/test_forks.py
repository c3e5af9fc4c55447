"""A child of a fork hears of revocations, and finds no lock that nobody gives back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from limens import SECRET

from limen import BlockingLimen, ConfigurationError, Limen, Target
from limen.effects import FindSession
from limen.stores.sql import SqlStore, migrate

SCRIPT = Path(__file__).with_name("forked.py")


@pytest.fixture
def url(tmp_path) -> str:
    url = f"sqlite:///{tmp_path}/app.db"
    migrate(url)
    return url


@pytest.mark.proves("attack:87")
@pytest.mark.parametrize("how", ["closes", "exits", "busy"])
@pytest.mark.parametrize("strategy", ["session", "hybrid"])
def test_a_child_hears_of_what_is_revoked_after_its_parent_is_gone(
    url, tmp_path, strategy, how
) -> None:
    """SQLite believes in the child that it still holds what the parent held of the file."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(SCRIPT), url, strategy, how, str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, env=environment)
    _until(tmp_path / "ready")
    site = BlockingLimen(strategy, database=url, secret=SECRET)
    site.open()
    handle = (tmp_path / "handle").read_text()
    assert site.revoke(Target.session(handle)).sessions_ended == 1
    site.close()
    (tmp_path / "revoked").touch()
    _until(tmp_path / "said")
    assert (tmp_path / "said").read_text() == "Authenticated Refused"


def _until(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, f"the child did not get to {path.name}"
        time.sleep(0.01)


def test_an_awaited_store_says_that_it_is_from_before_the_fork(url) -> None:
    store = SqlStore(url.replace("sqlite:", "sqlite+aiosqlite:"))
    context = get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def child() -> None:
        try:
            asyncio.run(store.perform(FindSession(id="ses_one")))
        except ConfigurationError as error:
            tell.send(str(error))
        os._exit(0)

    forked = context.Process(target=child)
    forked.start()
    assert "Make Limen in each worker" in told.recv()
    forked.join()
    assert asyncio.run(store.perform(FindSession(id="ses_one"))) is None
    asyncio.run(store.close())


@pytest.mark.proves("attack:87")
def test_a_limen_that_awaits_is_refused_in_a_child_whatever_it_remembers(url) -> None:
    site = Limen("session", database=url.replace("sqlite:", "sqlite+aiosqlite:"), secret=SECRET)
    context = get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def child() -> None:
        try:
            site._opened = True
            asyncio.run(site.authenticate("lms_" + "A" * 43))
        except ConfigurationError as error:
            tell.send(error.setting)
        os._exit(0)

    forked = context.Process(target=child)
    forked.start()
    assert told.recv() == "store"
    forked.join()

"""A session id on SQLite is judged without a flow, and as a flow judges it."""

from __future__ import annotations

import itertools
import random
import sqlite3
import sys
import threading
import time
from contextlib import closing
from typing import Any

import pytest
from limens import SECRET

from limen import Authenticated, Authentication, BlockingLimen, Refused, SignedIn, Target
from limen.errors import StoreUnavailable
from limen.stores.sql import BlockingSqlStore, migrate
from limen.strategies.session import SessionStrategy
from limen.testing import FrozenClock

MINUTE, DAY = 60_000, 86_400_000
ELSEWHERE = "usr_elsewhere"  # whose account Limen does not keep


@pytest.fixture
def url(tmp_path) -> str:
    url = f"sqlite:///{tmp_path}/app.db"
    migrate(url)
    return url


def opened(url: str, **options: Any) -> BlockingLimen:
    site = BlockingLimen(options.pop("strategy", "session"), database=url, secret=SECRET, **options)
    site.open()
    return site


def signed_in(site: BlockingLimen, subject: str) -> tuple[str, str]:
    issued: Any = site.remember(Authentication(subject, site.assembly.clock.now()))
    return issued.issued.access.reveal(), issued.issued.principal.session_id


def short(site: BlockingLimen, credential: str) -> Any:
    return site._near.recognise(credential.encode()) if site._near is not None else None


def long(site: BlockingLimen, credential: str) -> Any:
    return site.run(site._operations.authenticate(credential))


def by_hand(site: BlockingLimen, statement: str) -> None:
    path = str(site.settings.database).removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as file:
        file.execute(statement)
        file.commit()


def happens(
    site: BlockingLimen,
    clock: FrozenClock,
    dice: random.Random,
    people: list[str],
    credentials: list[tuple[str, str]],
) -> None:
    """Let one thing happen that may change a verdict."""
    person = dice.choice(people)
    match dice.randrange(10):
        case 0 | 1 | 2:
            remembered = site.remember(Authentication(person, clock.now()))
            if isinstance(remembered, SignedIn):  # and not somebody whose account is disabled
                issued = remembered.issued
                credentials.append((issued.access.reveal(), issued.principal.session_id))
        case 3:
            site.revoke(Target.user(person))
        case 4 if credentials:
            site.revoke(Target.session(dice.choice(credentials)[1]))
        case 5 if person != ELSEWHERE:
            dice.choice([site.disable, site.enable])(person)
        case 6 if person != ELSEWHERE:
            site.set_roles(person, dice.choice([["admin"], []]))
        case 7 if person != ELSEWHERE:
            with closing(
                sqlite3.connect(site.settings.database.removeprefix("sqlite:///"))
            ) as file:
                file.execute(
                    "UPDATE limen_account SET disabled = NOT disabled WHERE id = ?", (person,)
                )
                file.commit()
        case _:
            clock.advance(dice.choice([1, 1_000, 30_000, MINUTE, DAY, 8 * DAY]))


@pytest.mark.parametrize("remembered", [0, 3, 20_000])
def test_the_short_way_says_what_the_flow_says_or_nothing(url, remembered) -> None:
    clock, dice = FrozenClock(), random.Random(20_261_126)
    here, there = opened(url, clock=clock, remembered=remembered), opened(url, clock=clock)
    people = [
        there.sign_up(f"{name}@example.org", f"seven golden {name}s", name).account.id
        for name in ("teapot", "kettle")
    ] + [ELSEWHERE]
    credentials: list[tuple[str, str]] = []
    agreed = 0
    for _ in range(400):
        happens(there, clock, dice, people, credentials)
        for credential, _ in credentials[-8:]:
            if dice.random() < 0.5:
                long(there, credential)  # which writes a use down where that is due
            said = short(here, credential)
            if said is not None:
                assert said == long(here, credential)
                agreed += 1
    assert agreed > 200
    here.close()
    there.close()


def test_a_request_after_revoke_is_refused_and_so_is_one_after_the_next(url) -> None:
    here, there = opened(url), opened(url)
    for _ in range(50):
        credential, handle = signed_in(there, "usr_a")
        for _ in range(2):
            assert isinstance(here.authenticate(credential), Authenticated)
        assert short(here, credential) is not None
        there.revoke(Target.session(handle))
        assert short(here, credential) is None
        assert isinstance(here.authenticate(credential), Refused)
    here.close()
    there.close()


def test_a_row_is_read_once_as_long_as_nobody_commits(url, monkeypatch) -> None:
    here = opened(url)
    credential, _ = signed_in(here, "usr_a")
    here.authenticate(credential)
    reader = here._store.reader()
    asked: list[object] = []
    monkeypatch.setattr(reader, "answer", asked.append)
    for _ in range(5):
        assert isinstance(here.authenticate(credential), Authenticated)
    assert not asked
    monkeypatch.undo()
    here.close()


def test_a_file_that_cannot_be_read_sends_everybody_the_long_way(url, tmp_path) -> None:
    here = opened(url)
    credential, _ = signed_in(here, "usr_a")
    assert short(here, credential) is not None
    here._store.reader().close()
    (tmp_path / "app.db").rename(tmp_path / "gone.db")
    assert short(here, credential) is None
    here.close()


class Stricter(SessionStrategy):
    """A strategy of an application's own."""


def test_only_where_the_rules_are_ours_and_the_store_is_near(url) -> None:
    assert opened(url)._near is not None
    assert opened(url, accept=("jwt",))._near is not None
    assert opened(url, strategy="jwt", accept=("session",))._near is not None
    assert opened(url, strategy="jwt")._near is None
    assert opened(url, check="feed")._near is None
    store = BlockingSqlStore(url)
    assert BlockingLimen(Stricter(), store=store, secret=SECRET)._near is None


class Interrupted:
    """A cursor that is interrupted by a signal between its two calls."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def execute(self, *asked: Any) -> None:
        self.cursor.execute(*asked)
        raise KeyboardInterrupt


@pytest.mark.parametrize("cursor", ["rows", "version"])
def test_a_signal_in_the_middle_of_a_read_does_not_stop_the_time(url, cursor) -> None:
    """A statement that stays open would read on from where it began, and hide every commit."""
    here, there = opened(url), opened(url)
    (victim, handle), (other, _) = signed_in(there, "usr_a"), signed_in(there, "usr_b")
    assert short(here, victim) is not None
    reader = here._store.reader()
    kept = reader._kept
    reader._kept = kept._replace(**{cursor: Interrupted(getattr(kept, cursor))})
    with pytest.raises(KeyboardInterrupt):
        short(here, other)
    there.revoke(Target.session(handle))
    assert short(here, victim) is None
    assert isinstance(here.authenticate(victim), Refused)
    here.close()
    there.close()


@pytest.mark.proves("asvs:15.4.1", "attack:82")
def test_many_threads_accept_nothing_after_revoke_has_returned(url) -> None:
    here, there = opened(url), opened(url)
    people = [f"usr_{number}" for number in range(12)]
    held = {person: signed_in(there, person) for person in people}
    returned: dict[str, int] = {}
    accepted_late: list[str] = []
    checks, stop = itertools.count(), threading.Event()

    def asks(first: int) -> None:
        for person in itertools.islice(itertools.cycle(people), first, None):
            if stop.is_set():
                return
            credential, handle = held[person]
            ended_at, began_at = returned.get(handle), time.perf_counter_ns()
            if isinstance(here.authenticate(credential), Authenticated) and ended_at is not None:
                assert began_at >= ended_at
                accepted_late.append(handle)
            next(checks)

    threads = [threading.Thread(target=asks, args=(first,)) for first in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for person in people * 12:
            handle = held[person][1]
            there.revoke(Target.session(handle))
            returned[handle] = time.perf_counter_ns()
            time.sleep(0.001)
            held[person] = signed_in(there, person)
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    assert not accepted_late
    assert next(checks) > 500
    here.close()
    there.close()


def test_a_relative_path_is_that_of_the_beginning(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    migrate("sqlite:///app.db")
    here, there = opened("sqlite:///app.db"), opened(f"sqlite:///{tmp_path}/app.db")
    (credential, handle), elsewhere = signed_in(there, "usr_a"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert isinstance(here.authenticate(credential), Authenticated)
    assert here._store.watch().has_moved()
    there.revoke(Target.session(handle))
    assert isinstance(here.authenticate(credential), Refused)
    assert not list(elsewhere.iterdir())
    here.close()
    there.close()


def test_a_locked_file_is_waited_for_once(url) -> None:
    here = opened(url)
    credential, _ = signed_in(here, "usr_a")
    reader, asked = here._store.reader(), []
    reader.version = lambda: (_ for _ in ()).throw(StoreUnavailable("locked"))
    reader.answer = asked.append
    assert short(here, credential) is None
    assert not asked
    here.close()


class StricterStore(BlockingSqlStore):
    """A store of an application's own."""


class Before:
    """Something that stands before a store and passes on what it does not know."""

    def __init__(self, store: BlockingSqlStore) -> None:
        self._store = store

    def perform(self, effect: Any) -> Any:
        return self._store.perform(effect)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("derived", [StricterStore, lambda url: Before(BlockingSqlStore(url))])
def test_rules_of_a_store_of_ones_own_are_not_passed_by(url, derived) -> None:
    assert BlockingLimen("session", store=derived(url), secret=SECRET)._near is None

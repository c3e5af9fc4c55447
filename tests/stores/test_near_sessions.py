"""A session id on SQLite is judged without a flow, and as a flow judges it."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from limens import SECRET

from limen import Authenticated, Authentication, BlockingLimen, Refused, SignedIn, Target
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

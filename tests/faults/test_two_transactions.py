"""Two writes meet on PostgreSQL: one has done its work and not committed when the other begins.

Nothing here is left to luck: the second waits for a lock or it does not, and either way the
first commits only when that is known. The end is that of one after the other.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import psycopg
import pytest
from servers import PostgresServer
from sqlalchemy import Connection, Engine, text

from limen.account import Found
from limen.effects import (
    AddAccount,
    AttachCredential,
    Effect,
    FindAccount,
    FindRefresh,
    FindSession,
    OpenSession,
    ReadLog,
    RemoveAccount,
    Revoke,
    RotateRefresh,
    SetDisabled,
    SetPassword,
    TouchSession,
    UpdateAccount,
)
from limen.revocation import Kind, Target
from limen.stores.sql import BlockingSqlStore
from limen.stores.sql.verbs import answer
from limen.testing.store_cases.case import HORIZON, NOW, account, digest, session

LATER = NOW + 1
PATIENCE_S = 30
numbers = itertools.count()
pytestmark = pytest.mark.proves("attack:79", "attack:80", "attack:81")


class Subject:
    """One account with two sessions, under names that nobody else has."""

    def __init__(self, store: BlockingSqlStore) -> None:
        self.name = f"p{next(numbers)}"
        self.id = f"usr_{self.name}"
        store.perform(AddAccount(account(self.name), "old"))
        for one in ("phone", "laptop"):
            store.perform(self.opening(one))

    def opening(self, one: str) -> OpenSession:
        """Ask for a session of this name."""
        return OpenSession(
            session(f"{self.name}_{one}", self.id),
            0,
            reference=digest(f"ref {self.name} {one}"),
            refresh=digest(f"fresh {self.name} {one}"),
        )

    def left(self, store: BlockingSqlStore) -> tuple[Any, ...]:
        """Return what there is of it, in words that are those of any other."""
        found = store.perform(FindAccount(id=self.id))
        who = (
            (
                found.account.disabled,
                found.account.revision,
                found.account.roles,
                found.password_hash,
            )
            if isinstance(found, Found)
            else None
        )
        alive, renewing = set(), set()
        for one in ("phone", "laptop", "new", "other"):
            standing = store.perform(FindSession(id=f"ses_{self.name}_{one}"))
            if standing is not None:
                alive.add((one, standing.session.used_at))
        for one in ("phone", "laptop", "new", "other", "next", "another"):
            wanted = FindRefresh(digest(f"fresh {self.name} {one}"), LATER, 0)
            if store.perform(wanted) is not None:
                renewing.add(one)
        log = sorted(
            (one.kind, one.subject.rpartition("_")[2].replace(self.name, "-"))
            for one in store.perform(ReadLog(0))
            if one.kind is not Kind.ALL and self.name in one.subject.split("_")
        )
        return who, alive, renewing, log


def rotation(subject: Subject, successor: str) -> RotateRefresh:
    return RotateRefresh(
        digest(f"fresh {subject.name} phone"),
        digest(f"fresh {subject.name} {successor}"),
        b"sealed",
        LATER,
        10_000,
        HORIZON,
    )


Make = Callable[[Subject, bool], Effect[Any]]
WRITES: dict[str, Make] = {
    "open": lambda s, second: s.opening("other" if second else "new"),
    "rotate": lambda s, second: rotation(s, "another" if second else "next"),
    "attach": lambda s, _: AttachCredential(f"ses_{s.name}_phone", None, LATER),
    "touch": lambda s, _: TouchSession(f"ses_{s.name}_phone", LATER),
    "revoke one": lambda s, _: Revoke(Target.session(f"ses_{s.name}_phone"), LATER, HORIZON),
    "revoke user": lambda s, _: Revoke(Target.user(s.id), LATER, HORIZON),
    "revoke all": lambda _, __: Revoke(Target.everybody(), LATER, HORIZON),
    "password": lambda s, second: SetPassword(
        s.id, "second" if second else "first", 0, LATER, True, True, horizon=HORIZON
    ),
    "disable": lambda s, _: SetDisabled(s.id, True, LATER, HORIZON),
    "roles": lambda s, second: UpdateAccount(
        s.id, LATER, roles=frozenset({"second" if second else "first"}), horizon=HORIZON
    ),
    "remove": lambda s, _: RemoveAccount(s.id, LATER, HORIZON),
}
PAIRS = list(product(WRITES, WRITES))


@pytest.fixture(scope="module")
def store(postgresql: PostgresServer) -> Iterator[BlockingSqlStore]:
    url = postgresql.database()
    made = BlockingSqlStore(url)
    yield made
    made.close()
    postgresql.drop(url)


class Second(threading.Thread):
    """Performs an effect in a transaction of its own, and waits if it has to."""

    def __init__(self, engine: Engine, effect: Effect[Any]) -> None:
        super().__init__(daemon=True)
        self.engine, self.effect = engine, effect
        self.process: int | None = None
        self.fault: Exception | None = None

    def run(self) -> None:
        """Perform it."""
        try:
            with self.engine.begin() as connection:
                self.process = process_of(connection)
                answer(connection, self.effect)  # type: ignore[arg-type]  # one of the store's
        except Exception as fault:  # noqa: BLE001 - told in the thread of the test
            self.fault = fault

    def is_waiting(self, monitor: psycopg.Connection[Any]) -> bool:
        """Tell whether it waits for somebody else's lock."""
        if self.process is None:
            return False
        row = monitor.execute(
            "SELECT cardinality(pg_blocking_pids(%s)) > 0", (self.process,)
        ).fetchone()
        return bool(row and row[0])


def process_of(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def meet(store: BlockingSqlStore, first: Effect[Any], second: Effect[Any]) -> bool:
    """Let two transactions meet; tell whether the second had to wait."""
    engine = store._writing
    with psycopg.connect(store._url.replace("+asyncpg", ""), autocommit=True) as monitor:
        with engine.begin() as connection:
            answer(connection, first)  # type: ignore[arg-type]  # one of the store's
            other = Second(engine, second)
            other.start()
            until = time.monotonic() + PATIENCE_S
            while other.is_alive() and not (waiting := other.is_waiting(monitor)):
                assert time.monotonic() < until, "it neither waits nor ends"
                time.sleep(0.002)
            waited = other.is_alive() and waiting
        other.join(PATIENCE_S)
    assert not other.is_alive()
    assert other.fault is None, other.fault
    return waited


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_writes_end_as_one_after_the_other(
    store: BlockingSqlStore, one: str, other: str
) -> None:
    serial = []
    for order in ((one, False), (other, True)), ((other, True), (one, False)):
        subject = Subject(store)
        for name, second in order:
            store.perform(WRITES[name](subject, second))
        serial.append(subject.left(store))
    subject = Subject(store)
    meet(store, WRITES[one](subject, False), WRITES[other](subject, True))
    assert subject.left(store) in serial


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("password", "open"),
        ("disable", "open"),
        ("rotate", "revoke one"),
        ("roles", "attach"),  # or a token with the old roles were signed behind its back
        ("roles", "rotate"),
        ("attach", "roles"),
    ],
)
def test_where_it_matters_the_second_has_to_wait(
    store: BlockingSqlStore, one: str, other: str
) -> None:
    """Without a lock the two would not have met at all."""
    subject = Subject(store)
    assert meet(store, WRITES[one](subject, False), WRITES[other](subject, True))

"""Locks of PostgreSQL, held until the transaction ends. SQLite needs none.

On SQLite a writing verb begins with BEGIN IMMEDIATE, so verbs that write run one by one.
On PostgreSQL (READ COMMITTED) a verb locks whatever it decides on, in this order, which
keeps verbs from waiting for each other in a circle:

    1. housekeeping or keys        one purge, one change of keys at a time
    2. everybody                   shared; exclusive to end everybody's sessions
    3. one subject                 shared to open a session, exclusive to end all of them
    4. the account row, then what it can sign in with
    5. session rows                one, or those of the locked subjects; a family's tokens
                                   belong to its session row
    6. the log                     taken before `seq` is drawn and held until the commit, so
                                   the order of `seq` is the order in which entries appear
"""

from __future__ import annotations

import hashlib
from enum import Enum, unique
from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from sqlalchemy import Connection


@unique
class Lock(Enum):
    """Advisory locks by their 64-bit number: "LIMEN" in ASCII, then a counter."""

    LOG = 0x4C494D454E01
    EVERYBODY = 0x4C494D454E02
    HOUSEKEEPING = 0x4C494D454E03
    KEYS = 0x4C494D454E04
    MIGRATION = 0x4C494D454E05


def hold(connection: Connection, lock: Lock) -> None:
    """Take a lock alone, waiting for whoever has it."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock.value)))


def hold_subject(connection: Connection, subject: str, *, shared: bool) -> None:
    """Take the lock of one subject, and a share in that of everybody."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(select(func.pg_advisory_xact_lock_shared(Lock.EVERYBODY.value)))
    number = _number(subject)
    take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    connection.execute(select(take(number)))


def _number(subject: str) -> int:
    """Return a 64-bit number for a subject. A collision only makes two subjects wait."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)

"""The cost of a check as the tables grow: real tables, filled by SQL, real credentials in them."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import secrets
import sqlite3
import time
from collections.abc import Iterable
from typing import Any, Final

import psycopg

from bench.limens import credential_of, limen_of
from bench.probes.timing import addresses, cost_of, parser, report
from bench.systems import SETTINGS
from limen.verdict import Authenticated

KNOWN: Final = 1_000  # credentials that are checked in turn, anywhere among the rows
MONTH: Final = 30 * 86_400_000
WEEK: Final = 7 * 86_400_000

_SESSION: Final = (
    "INSERT INTO limen_session (id, subject, strategy, authenticated_at, created_at, used_at, "
    "expires_at, idle, methods, address, user_agent, remembered, roles) "
    "SELECT {id}, 'usr_' || {n} / 3, 'session', {now}, {now}, {now}, {now} + {month}, {week}, "
    "'[\"pwd\"]', '192.0.2.1', 'Mozilla/5.0', {true}, '[]' FROM {numbers}"
)
_SECRET: Final = (
    "INSERT INTO limen_secret (digest, session_id, kind, issued_at) "
    "SELECT {digest}, {id}, 'reference', {now} FROM {numbers}"
)
_SQLITE: Final = {
    "id": "printf('ses_%022d', i)",
    "n": "i",
    "true": "1",
    "digest": "randomblob(32)",
    "numbers": "(WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n "
    "WHERE i < {last}) SELECT i FROM n)",
}
_POSTGRESQL: Final = {
    "id": "'ses_' || lpad(i::text, 22, '0')",
    "n": "i",
    "true": "true",
    "digest": "sha256(i::text::bytea)",
    "numbers": "generate_series({first}, {last}) AS i",
}
# Made again after a large fill: to grow them row by row would take most of the run.
_INDEX: Final = ("ix_limen_secret_session_id", "limen_secret", "session_id")


def statements(dialect: dict[str, str], first: int, last: int) -> list[str]:
    """Return what adds the sessions `first` to `last`, each with one credential."""
    numbers = dialect["numbers"].format(first=first, last=last)
    words = dialect | {"numbers": numbers, "month": str(MONTH), "week": str(WEEK)}
    words["now"] = str(time.time_ns() // 1_000_000)
    return [_SESSION.format(**words), _SECRET.format(**words)]


class SqliteFiller:
    """Fills the file between two openings."""

    mark = "?"

    def __init__(self, path: str) -> None:
        """Nothing is opened yet."""
        self._path = path

    def fill(self, first: int, last: int) -> None:
        """Add sessions, with the journal off: a crash would only cost the measurement."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000"):
            connection.execute(f"PRAGMA {pragma}")
        name, table, column = _INDEX
        connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        sessions, secret = statements(_SQLITE, first, last)
        connection.execute(sessions)
        # In the order of their index; and then the other index at once.
        connection.execute(f"{secret} ORDER BY 1")
        connection.execute("COMMIT")
        connection.execute(f"CREATE INDEX {name} ON {table} ({column})")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()

    def replace(self, rows: Iterable[tuple[bytes, str]]) -> None:
        """Give some sessions a credential that is known."""
        with sqlite3.connect(self._path) as connection:
            connection.executemany("UPDATE limen_secret SET digest = ? WHERE session_id = ?", rows)
        connection.close()


class PostgresFiller:
    """Fills a database of the private server."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet."""
        self._dsn = url.replace("+asyncpg", "")

    def fill(self, first: int, last: int) -> None:
        """Add sessions and let the planner know."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for statement in statements(_POSTGRESQL, first, last):
                connection.execute(statement.encode())
            connection.execute("VACUUM (ANALYZE) limen_session, limen_secret")

    def replace(self, rows: Iterable[tuple[bytes, str]]) -> None:
        """Give some sessions a credential that is known."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.cursor().executemany(
                "UPDATE limen_secret SET digest = %s WHERE session_id = %s", rows
            )


def known_among(filler: SqliteFiller | PostgresFiller, last: int) -> list[str]:
    """Return credentials of sessions that lie anywhere among the rows."""
    chosen = sorted({secrets.randbelow(last) + 1 for _ in range(KNOWN)})
    held = {f"ses_{number:022}": "lms_" + secrets.token_urlsafe(32) for number in chosen}
    filler.replace(
        [(hashlib.sha256(text.encode()).digest(), session_id) for session_id, text in held.items()]
    )
    texts = list(held.values())
    secrets.SystemRandom().shuffle(texts)
    return texts


async def check(setting: str, known: list[str], asked: argparse.Namespace) -> dict[str, Any]:
    """Return the cost of a check with the rows there are."""
    async with limen_of(setting, addresses(asked)) as auth:
        if setting.startswith("hybrid"):
            known = [(await credential_of(auth)).access.reveal()]
        turn = itertools.cycle(known)

        async def one() -> object:
            return await auth.authenticate(next(turn))

        for _ in known:  # what was never read since the file was filled may lie on the disk
            verdict = await one()
            assert isinstance(verdict, Authenticated), verdict
        return await cost_of(one, asked.calls, asked.seconds)


def main() -> None:
    """Fill step by step; at each size check by both strategies."""
    asking = parser()
    asking.add_argument("--sizes", type=int, nargs="+", required=True)
    asking.add_argument("--calls", type=int, required=True)
    asking.add_argument("--seconds", type=float, required=True)
    asked = asking.parse_args()
    store = "postgresql" if asked.database else "sqlite"
    filler = (
        PostgresFiller(asked.database) if asked.database else SqliteFiller(addresses(asked).sqlite)
    )
    limen_of(f"hybrid-{store}", addresses(asked))  # makes the tables
    found, there = [], 0
    for size in asked.sizes:
        filler.fill(there + 1, size)
        there = size
        known = known_among(filler, size)
        settings = [f"session-store-{store}", f"session-reading-{store}", f"hybrid-{store}"]
        for setting in filter(SETTINGS.__contains__, settings):
            figures = asyncio.run(check(setting, known, asked))
            found.append({"setting": setting, "rows": size} | figures)
    report(found)


if __name__ == "__main__":
    main()

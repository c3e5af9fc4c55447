"""Memory of a view that holds many live revocations, and the check of a process that has them."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from bench.limens import credential_of, limen_of
from bench.probes.timing import addresses, cost_of, parser, report
from limen.revocation import Kind, Revocation, RevocationView
from limen.verdict import Authenticated

PAGE = 10_000
MB = 1_000_000
LIFE = 3_600_000
PREFIXES = {Kind.SESSION: "ses_", Kind.USER: "usr_"}


def resident() -> int:
    """Return the resident set of this process in octets, after what is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    said = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(said.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pages(kind: Kind, number: int, now: int) -> Iterator[list[Revocation]]:
    """Yield entries as a feed reads them, a page at a time, spread over an hour."""
    for first in range(0, number, PAGE):
        yield [
            Revocation(
                seq + 1,
                kind,
                PREFIXES[kind] + secrets.token_urlsafe(16),
                now,
                now + LIFE * (seq + 1) // number,
            )
            for seq in range(first, min(first + PAGE, number))
        ]


def megabytes(kind: Kind, number: int) -> float:
    """Return what a million entries of a kind cost."""
    now = time.time_ns() // 1_000_000
    for page in pages(kind, PAGE, now):  # what the first page makes Python keep for itself
        RevocationView().apply(page)
    view = RevocationView()
    before = resident()
    for page in pages(kind, number, now):
        view.apply(page)
    page = []
    after = resident()
    assert len(view) == number
    return round((after - before) / MB * (1_000_000 / number), 1)


def fill(path: str, number: int) -> None:
    """Write entries about sessions, that do not concern ours, into the real table."""
    now = time.time_ns() // 1_000_000
    with sqlite3.connect(path) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number) "
            "INSERT INTO limen_revocation (kind, subject, not_before, expires_at) "
            "SELECT 'session', 'ses_' || lower(hex(randomblob(11))), :now, :now + 300000 + i "
            "FROM n",
            {"number": number, "now": now},
        )
    connection.close()


async def check(place: str, number: int, calls: int, where: object) -> dict[str, float | int]:
    """Return the cost of a check by a process that holds the entries."""
    auth = limen_of("hybrid-sqlite", where)  # type: ignore[arg-type]
    fill(f"{place}/limen.db", number)
    async with auth:
        token = (await credential_of(auth)).access.reveal()

        async def one() -> object:
            return await auth.authenticate(token)

        assert isinstance(await one(), Authenticated)
        return await cost_of(one, calls, 10.0)


def main() -> None:
    """Measure the memory of one kind, or the check."""
    asking = parser()
    asking.add_argument("--what", choices=["session", "user", "check"], required=True)
    asking.add_argument("--number", type=int, required=True)
    asking.add_argument("--calls", type=int, required=True)
    asked = asking.parse_args()
    if asked.what == "check":
        report(asyncio.run(check(asked.place, asked.number, asked.calls, addresses(asked))))
    else:
        report(megabytes(Kind(asked.what), asked.number))


if __name__ == "__main__":
    main()

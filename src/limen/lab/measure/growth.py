"""What the store grows by: pages of the file that many sign-ins take, and many sign-outs leave."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limen import Authentication, Refused, Target

if TYPE_CHECKING:
    from pathlib import Path

    from limen.lab.measure.servers import Grounds
    from limen.lab.servers.site import Person

_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Growth:
    """Octets of the file, with its indexes and what is left free in its pages.

    `per_sign_in` is what a sign-in takes while it lives, `per_sign_out` what an ended one
    leaves in the revocation log for `kept_for` seconds; each is the mean over `n`. Whole pages
    of the file are counted, so a mean may be off by the share of some pages: `page` / `n`.
    """

    n: int
    page: int
    per_sign_in: float
    per_sign_out: float
    entries: int
    kept_for: float

    def log_octets(self, per_hour: int) -> float:
        """Return the steady size of the log at this many sign-outs an hour."""
        return per_hour * self.kept_for / _HOUR_S * self.per_sign_out

    def as_json(self) -> dict[str, object]:
        """Return the growth as JSON values."""
        return {
            "n": self.n,
            "page_bytes": self.page,
            "bytes_per_sign_in": self.per_sign_in,
            "bytes_per_sign_out": self.per_sign_out,
            "log_entries": self.entries,
            "log_entry_kept_s": self.kept_for,
        }


def growth(grounds: Grounds, person: Person, n: int) -> Growth:
    """Open `n` sign-ins under one setup, then end each of them. Blocks."""
    return asyncio.run(_growth(grounds, person, n))


async def _growth(grounds: Grounds, person: Person, n: int) -> Growth:
    file = grounds.database
    async with grounds.limen() as limen:
        account = await limen.account_by_email(person.email)
        if account is None:
            raise RuntimeError("the person has no account")
        empty, opened = _octets(file), []
        for _ in range(n):
            proof = Authentication(account.id, limen.assembly.clock.now())
            signed_in = await limen.remember(proof)
            if isinstance(signed_in, Refused):
                raise TypeError(f"the sign-in was refused: {signed_in.reason.value}")
            opened.append(signed_in.issued.principal.session_id)
        full = _octets(file)
        if grounds.guarantees.needs_store:
            for one in opened:
                await limen.revoke(Target.session(one))
        left, (entries, until) = _octets(file), _log(file)
        kept_for = max(until - limen.assembly.clock.now(), 0) / 1000 if entries else 0.0
    return Growth(
        n, _pages(file)[1], (full - empty) / n, max(left - empty, 0) / n, entries, kept_for
    )


def _octets(file: Path) -> int:
    """Return how much of the database is in use."""
    used, size = _pages(file)
    return used * size


def _pages(file: Path) -> tuple[int, int]:
    """Return how many pages of the database are in use, and the octets of one."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        pages, free, size = (
            int(connection.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return pages - free, size


def _log(file: Path) -> tuple[int, int]:
    """Return how many revocations are logged, and until when the last of them is needed."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("select count(*), max(expires_at) from limen_revocation")
        count, until = found.fetchone()
        return int(count), int(until or 0)

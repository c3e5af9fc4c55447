"""Questions about counters and single-use tickets, and housekeeping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from limen.effects.asking import Reading, Writing
from limen.throttle import Tally

# One purge of the audit log must not keep other writers waiting for long.
MOST_PURGED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Increment(Writing[Tally]):
    """Count one more attempt under `key` in a window of `window` milliseconds."""

    key: str
    window: int
    now: int


@dataclass(frozen=True, slots=True)
class Counter:
    """What `Draw` counts under: a key, its window, and how many it allows (`None`: any)."""

    key: str
    window: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Draw(Writing[tuple[Tally, ...]]):
    """Count one more attempt under each key in turn, in one transaction.

    It stops after the first whose count is above its limit, so the answer ends with that one:
    what a used up budget turned away is not counted under the keys behind it. Whoever draws
    names keys in the same order of kinds, so that no two wait for each other.
    """

    counters: tuple[Counter, ...]
    now: int


@dataclass(frozen=True, slots=True)
class ReadCounts(Reading[tuple[Tally | None, ...]]):
    """Look at counters without counting; `None` for one that is in no window at `now`."""

    keys: tuple[str, ...]
    now: int


@dataclass(frozen=True, slots=True)
class ForgetCounts(Writing[None]):
    """Let counters begin anew, whether or not there are any."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something that works once: a reset link, a launch code. Kept by digest.

    `detail` is whatever its purpose needs besides the subject, as text.
    """

    purpose: str
    digest: bytes
    subject: str
    expires_at: int
    detail: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeepTicket(Writing[None]):
    """Keep a ticket until it is consumed or expires."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class FindTicket(Reading[Ticket | None]):
    """Look at a ticket without using it up; `None` if it is unknown or has expired."""

    purpose: str
    digest: bytes
    now: int


@dataclass(frozen=True, slots=True)
class Consume(Writing[Ticket | None]):
    """Use up a ticket of one purpose: of any number of callers exactly one receives it."""

    purpose: str
    digest: bytes
    now: int


@dataclass(frozen=True, slots=True)
class Purge(Writing[int]):
    """Delete what time has ended (sessions, log entries, counters, tickets); return how many.

    What `KeepRevocations` kept goes as well, and is not counted: it is a copy. Of the audit
    log what is older than `audit_before` goes, at most `MOST_PURGED` events at a time.
    """

    now: int
    audit_before: int = 0

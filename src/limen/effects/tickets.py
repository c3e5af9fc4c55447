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

"""What a strategy promises, and what one revocation achieved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

# How long a process may go on without hearing from the store, in milliseconds.
DEFAULT_MAX_LAG = 2_000


@unique
class Format(StrEnum):
    """What the credential is: the first of the two choices."""

    SIGNED = "signed"  # a self-contained token
    REFERENCE = "reference"  # a random id that is looked up


@unique
class RevocationCheck(StrEnum):
    """What is asked on each request: the second of the two choices."""

    EXPIRY = "expiry"  # nothing, until the credential expires
    FEED = "feed"  # this process's copy of the revocation log
    STORE = "store"  # the store


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a strategy promises; the conformance suite measures every field.

    `revocation_window` is the longest time, in milliseconds, that a copied credential keeps
    working after `revoke` returned. `idle` and `absolute` are lifetimes of a sign-in in
    milliseconds, `None` where the strategy knows no such end.
    """

    format: Format
    check: RevocationCheck
    store_reads_per_request: int
    revocation_window: int
    idle: int | None
    absolute: int | None
    needs_store: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one `revoke` achieved.

    `sessions_ended` is `None` where nobody can know how many credentials are out there.
    `effective_at` is the moment, in milliseconds, from which no copy of a revoked
    credential is accepted anywhere.
    """

    sessions_ended: int | None
    effective_at: int

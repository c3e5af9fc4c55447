"""What one run did, operation by operation, as the checker takes it.

Times are nanoseconds of `time.monotonic_ns()`, which is one clock for all processes of a
machine. `returned` is `None` for a call whose answer nobody lived to see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import NamedTuple


@unique
class Outcome(StrEnum):
    """How an operation came out."""

    ACCEPTED = "a"
    REFUSED = "r"
    UNAVAILABLE = "u"  # StoreUnavailable, a 503: it may have happened or not
    LOST = "l"  # the process was killed before the call returned: likewise
    FAULT = "f"  # anything else that was raised


UNKNOWN = (Outcome.UNAVAILABLE, Outcome.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call of some process, and how it came out."""

    process: str
    call: int
    returned: int | None
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access credential that was handed out.

    `key` is the key that signed it. It ends between `ends_from` and `ends_by`; `None` for a
    reference, which has no end of its own.
    """

    name: str
    session: str
    key: str | None = None
    ends_from: int | None = None
    ends_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(Operation):
    """`remember`: opens a session."""

    user: str
    access: Credential | None = None
    refresh: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh(Operation):
    """`refresh`: trades `presented` for another credential and another token."""

    session: str
    presented: str
    access: Credential | None = None
    refresh: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Operation):
    """`revoke` of a target; `kind` is "session", "user", "key" or "all"."""

    kind: str
    subject: str
    keep: str | None = None


class Read(NamedTuple):
    """`authenticate` of a credential, by its name."""

    process: str
    call: int
    returned: int
    credential: str
    outcome: Outcome
    reason: str = ""


class Loss(NamedTuple):
    """A store was killed at `since` and was back at `until`, and may have forgotten things.

    Sessions may be gone and refresh tokens may be as they were; what was revoked may not.
    """

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened in one run. `reads` is gone through once."""

    sign_ins: tuple[SignIn, ...] = ()
    refreshes: tuple[Refresh, ...] = ()
    revokes: tuple[Revoke, ...] = ()
    losses: tuple[Loss, ...] = ()
    reads: Iterable[Read] = ()

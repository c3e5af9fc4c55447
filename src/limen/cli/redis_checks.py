"""The doctor's checks of a Redis or Valkey: what it loses, and what it throws away.

Each check is a function of its condition; `REDIS_CHECKS` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.cli.findings import Finding, Severity

if TYPE_CHECKING:
    from limen.stores.redis.condition import Condition

RedisCheck: TypeAlias = "Callable[[Condition], Iterator[Finding]]"


def look(url: str) -> Condition:
    """Read what the checks judge; raises `ConfigurationError` and `StoreUnavailable`."""
    from limen.stores.redis.condition import examine  # noqa: PLC0415 - few have the client

    return examine(url)


def is_recent(seen: Condition) -> Iterator[Finding]:
    """The scripts need commands that older servers do not have."""
    from limen.stores.redis.condition import OLDEST  # noqa: PLC0415 - as above

    if seen.version < OLDEST:
        yield Finding(
            Severity.ERROR,
            "redis",
            f"is version {'.'.join(map(str, seen.version))}, which is too old.",
            f"Use Redis {'.'.join(map(str, OLDEST))} or newer, or Valkey.",
        )


def is_master(seen: Condition) -> Iterator[Finding]:
    """A replica takes no writes, and what it says is old."""
    if not seen.master:
        yield Finding(
            Severity.ERROR,
            "redis",
            "is a replica, which takes no sign-ins and lags behind revocations.",
            "Name the primary in LIMEN_REDIS.",
        )


def writes_down(seen: Condition) -> Iterator[Finding]:
    """Without the append-only file a restart forgets all since the last snapshot."""
    if not seen.appends:
        yield Finding(
            Severity.WARNING,
            "redis",
            "writes no append-only file: a restart signs out whoever signed in since the last "
            "snapshot, and a refresh token that was exchanged since then works once more. "
            "Revocations are kept in the database and are not lost.",
            "Set appendonly yes in its configuration.",
        )


def evicts_nothing(seen: Condition) -> Iterator[Finding]:
    """A server that makes room throws sessions away, and entries of the log."""
    if seen.policy != "noeviction":
        yield Finding(
            Severity.ERROR,
            "redis",
            f"makes room by {seen.policy}: full, it forgets sessions, limits and revocations.",
            "Set maxmemory-policy noeviction in its configuration.",
        )


REDIS_CHECKS: Final[tuple[RedisCheck, ...]] = (
    is_recent,
    is_master,
    writes_down,
    evicts_nothing,
)

"""The doctor's checks of a database: its tables, its keys and its clock.

`look` reads; `STORE_CHECKS` judge what was read. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from limen.cli.findings import Finding, Severity, found_wrong
from limen.cli.output import span
from limen.clock import SystemClock, elapsed_ns
from limen.effects import LoadKeys
from limen.errors import ConfigurationError
from limen.keyring import KeyRecord, Keyring, KeyState

if TYPE_CHECKING:
    from limen.sealing import Secrets
    from limen.stores.sql.condition import Condition

StoreCheck: TypeAlias = "Callable[[Observed], Iterator[Finding]]"

OLD_KEY_MS: Final = 365 * 86_400_000  # NIST SP 800-57 part 1 table 1: a private key, 1 to 3 years
CLOCK_TOLERANCE_MS: Final = 5_000  # the leeway that tokens get
JUMP_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of a database. Times are in milliseconds.

    `before` and `after` are this machine's time of day around the look, `elapsed` is how
    long it took by a clock that nobody sets. `keys` is `None` without the right tables,
    `secrets` where they are not usable.
    """

    condition: Condition
    needed: str
    before: int
    after: int
    elapsed: int
    keys: tuple[KeyRecord, ...] | None
    secrets: Secrets | None


def look(url: str, secrets: Secrets | None) -> Observed:
    """Read what the checks judge; raises `ConfigurationError` and `StoreUnavailable`."""
    # Imported here: other commands do without the database libraries.
    from limen.stores.sql import head_revision, open_blocking_store  # noqa: PLC0415
    from limen.stores.sql.condition import examine  # noqa: PLC0415

    clock, started = SystemClock(), elapsed_ns()
    before = clock.now()
    condition = examine(url)
    after = clock.now()
    elapsed = (elapsed_ns() - started) // 1_000_000
    needed, keys = head_revision(), None
    if condition.revision == needed:
        store = open_blocking_store(url)
        try:
            keys = store.perform(LoadKeys())
        finally:
            store.close()
    return Observed(condition, needed, before, after, elapsed, keys, secrets)


def tables_are_current(seen: Observed) -> Iterator[Finding]:
    """The tables must be those of this version."""
    revision = seen.condition.revision
    if revision != seen.needed:
        state = f"is at revision {revision}" if revision else "has no Limen tables"
        yield Finding(
            Severity.ERROR,
            "database",
            f"{state}; this version needs revision {seen.needed}.",
            "Run: limen migrate",
        )


def sqlite_writes_ahead(seen: Observed) -> Iterator[Finding]:
    """Without a write-ahead log, each write blocks every reader."""
    if seen.condition.journal_mode not in (None, "wal"):
        yield Finding(
            Severity.WARNING,
            "database",
            f"uses SQLite's journal mode {seen.condition.journal_mode!r}, so readers and writers "
            "block each other.",
            "Keep the file on a local disk where SQLite can switch to WAL.",
        )


def keys_are_ready(seen: Observed) -> Iterator[Finding]:
    """One key signs, and one is published and waits."""
    if seen.keys is None:
        return
    if not seen.keys:
        yield Finding(
            Severity.NOTE,
            "keys",
            "do not exist yet.",
            "Nothing to do: the first start makes one that signs and one that waits.",
        )
        return
    states = {record.state for record in seen.keys}
    for state, sentence in (
        (KeyState.SIGNING, "have none that signs."),
        (KeyState.NEXT, "have none that is published and waits, so a rotation cannot be quick."),
    ):
        if state not in states:
            yield Finding(
                Severity.WARNING, "keys", sentence, "Start the service, or run: limen keys list"
            )


def keys_open(seen: Observed) -> Iterator[Finding]:
    """The configured secrets must open what is sealed."""
    if seen.keys and seen.secrets is not None:
        try:
            Keyring.load(seen.keys, seen.secrets)
        except ConfigurationError as fault:
            yield found_wrong(fault)


def keys_are_young(seen: Observed) -> Iterator[Finding]:
    """A key that signs for years is worth more to a thief every day."""
    for record in seen.keys or ():
        age = seen.after - record.moved_at
        if record.state is KeyState.SIGNING and age > OLD_KEY_MS:
            yield Finding(
                Severity.WARNING,
                "keys",
                f"have signed with {record.id} for {span(age)}.",
                "Run: limen keys rotate",
            )


def clocks_agree(seen: Observed) -> Iterator[Finding]:
    """Tokens of a clock that is off are refused elsewhere, or live too long."""
    theirs = seen.condition.time
    if theirs is not None:
        apart = max(seen.before - theirs, theirs - seen.after, 0)
        if apart > CLOCK_TOLERANCE_MS:
            yield Finding(
                Severity.ERROR,
                "clock",
                f"and the clock of the database are {span(apart)} apart.",
                "Set both by NTP.",
            )
    newest = max((record.moved_at for record in seen.keys or ()), default=0)
    if newest > seen.after + CLOCK_TOLERANCE_MS:
        yield Finding(
            Severity.ERROR,
            "clock",
            f"is behind: a key was written {span(newest - seen.after)} in its future.",
            "Set it by NTP before anybody signs in.",
        )


def clock_runs_evenly(seen: Observed) -> Iterator[Finding]:
    """The time of day must move as fast as time does."""
    drift = abs(seen.after - seen.before - seen.elapsed)
    if drift > JUMP_MS:
        yield Finding(
            Severity.WARNING,
            "clock",
            f"jumped by {span(drift)} within {span(seen.elapsed)}.",
            "Let NTP slew the clock instead of setting it.",
        )


STORE_CHECKS: Final[tuple[StoreCheck, ...]] = (
    tables_are_current,
    sqlite_writes_ahead,
    keys_are_ready,
    keys_open,
    keys_are_young,
    clocks_agree,
    clock_runs_evenly,
)

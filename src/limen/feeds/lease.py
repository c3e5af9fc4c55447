"""A view of the log, and until when it may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.revocation import Kind, RevocationView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.clock import Clock
    from limen.ports import Listener
    from limen.revocation import Revocation

# Entries that one look reads at most.
PAGE: Final = 10_000
# How often what can no longer refuse anything is forgotten, in milliseconds.
PURGE_EVERY: Final = 4_096


class Lease:
    """A view of the log and the moment at which it was last known to be complete.

    Whoever looks asks for the entries `after` and hands them to `take`, until that says that
    they were the last. `listeners` hear of every new entry, and `key_withdrawn` is set by an
    entry about a key until whoever acts on it clears it.
    """

    def __init__(self, clock: Clock, max_lag: int) -> None:
        """Make the lease of an empty view; `max_lag` is in milliseconds."""
        self.clock = clock
        self.max_lag = max_lag
        self._max_lag_ns = max_lag * 1_000_000
        self.view = RevocationView()
        self.listeners: list[Listener] = []
        self.key_withdrawn = False
        self._heard: tuple[int, int] | None = None  # by the time of day and since the start
        self._purged_at = clock.now()
        self._anchor: Revocation | None = None

    @property
    def is_running(self) -> bool:
        """Whether something was heard within `max_lag`."""
        if self._heard is None:
            return False
        heard_at, heard_ns = self._heard
        # By both clocks: the time of day may stand still after a step back.
        passed_ns = elapsed_ns() - heard_ns
        return passed_ns < self._max_lag_ns and self.clock.now() - heard_at < self.max_lag

    def reading(self) -> tuple[int, int]:
        """Return this moment by both clocks; read before a look and given to `complete`."""
        return self.clock.now(), elapsed_ns()

    @property
    def after(self) -> int:
        """The number after which the next look reads on."""
        return self.view.seq if self._anchor is None else self._anchor.seq - 1

    def doubt(self) -> None:
        """Note that what is read next may be another log.

        A restored backup, and a standby that takes over, go back and may give an old number
        to a new entry. A pool or a proxy may reconnect without a word, so whoever reads through
        one doubts before every look. The next look reads the last known entry again, and
        from the start if it is not there.
        """
        if self._anchor is None:
            self._anchor = self.view.last

    def take(self, entries: Sequence[Revocation]) -> bool:
        """Take in what a look has read; true if there is nothing more to read."""
        anchor, self._anchor = self._anchor, None
        if anchor is not None and (not entries or entries[0] != anchor):
            self.view.rewind()
            return False
        known = self.view.seq
        self.view.apply(entries)
        news = [entry for entry in entries if entry.seq > known]
        if news:
            self.key_withdrawn |= any(entry.kind is Kind.KEY for entry in news)
            for listener in self.listeners:
                listener(news)
        return len(entries) < PAGE

    def complete(self, reading: tuple[int, int]) -> None:
        """Note that everything committed before this reading of both clocks has been seen."""
        self._heard = reading
        now = reading[0]
        if now - self._purged_at >= PURGE_EVERY:
            self.view.purge(now)
            self._purged_at = now

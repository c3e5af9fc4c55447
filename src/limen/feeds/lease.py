"""A view of the log, and until when it may be believed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.revocation import Kind, RevocationView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.clock import Clock
    from limen.ports import Listener
    from limen.revocation import Revocation

_log = logging.getLogger("limen.feed")
# Entries that one look reads at most.
PAGE: Final = 10_000
# How often what can no longer refuse anything is forgotten, in milliseconds.
PURGE_EVERY: Final = 4_096


class Lease:
    """A view of the log and the moment at which it was last known to be complete.

    Whoever looks asks for the entries `after` and hands them to `take`, until that says that
    they were the last. `listeners` hear of every new entry, and `key_withdrawn` is set by an
    entry about a key until whoever acts on it clears it.

    A log that has lost an entry which nobody may delete yet is another one: a backup was
    restored, or a standby took over that had not everything. What it has forgotten may be
    alive again, so it `went_back` until everybody was signed out in it (`limen restored`).
    Not with `recovers`, for a store that makes up for what it forgets by itself.
    """

    def __init__(self, clock: Clock, max_lag: int, *, recovers: bool = False) -> None:
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
        self._recovers = recovers
        self._lost_after: int | None = None  # when the log was last known to be the old one

    @property
    def went_back(self) -> bool:
        """Whether the log lost what it must have, and nobody has made up for it."""
        return self._lost_after is not None

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
            if self.clock.now() < anchor.expires_at and not self._recovers:
                self._mourn(anchor)
            self.view.rewind()
            return False
        known = self.view.seq
        self.view.apply(entries)
        news = [entry for entry in entries if entry.seq > known]
        if news:
            self._look_for_cure(news)
            self.key_withdrawn |= any(entry.kind is Kind.KEY for entry in news)
            for listener in self.listeners:
                listener(news)
        return len(entries) < PAGE

    def _mourn(self, lost: Revocation) -> None:
        if self._lost_after is None:
            self._lost_after = lost.not_before if self._heard is None else self._heard[0]
        _log.error(
            "entry %d of the revocation log is gone: the database was restored, or a standby took "
            "over that had not everything. What was ended since may be alive again, so nothing "
            "that rests on the log is accepted before somebody runs: limen restored",
            lost.seq,
        )

    def _look_for_cure(self, news: Sequence[Revocation]) -> None:
        lost = self._lost_after
        if lost is not None and any(
            entry.kind is Kind.ALL and entry.not_before > lost for entry in news
        ):
            self._lost_after = None
            _log.warning("everybody was signed out in the restored database; all is well again")

    def complete(self, reading: tuple[int, int]) -> None:
        """Note that everything committed before this reading of both clocks has been seen."""
        self._heard = reading
        now = reading[0]
        if now - self._purged_at >= PURGE_EVERY:
            self.view.purge(now)
            self._purged_at = now

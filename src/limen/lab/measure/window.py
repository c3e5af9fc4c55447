"""How long a copied credential goes on working, measured by somebody who never stops trying.

Two servers work over one database. What ends the sign-in happens at the one; a thief asks
each of them again and again, from before that moment until the copy has been refused. All
times are those at which the thief sent a request, counted from the moment at which the answer
to the ending had arrived: so a slow machine can make a window look shorter, never longer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from limen.clock import elapsed_ns
from limen.lab.measure.caller import FIRST_REFUSAL, TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from limen.lab.measure.caller import Caller

HERE: Final = "server A"
THERE: Final = "server B"
# The thief pauses 2 ms after an answer, and later 2 % of the time that has passed, so that
# every part of a picture with equal steps for equal factors is as densely tried as the others.
PAUSE_MS: Final = 2.0
PAUSE_SHARE: Final = 0.02
BEFORE_S: Final = 0.03
# After a refusal the copy is tried this often again: one refusal might be an accident.
CONFIRMED: Final = 5
# Watching goes on for this long after a promise has run out.
MARGIN_MS: Final = 1_000
# The next sign-in is ended when the thief of the last one tries more rarely.
STAGGER_S: Final = 0.4
_MILLISECOND_NS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Try:
    """One request with the copy: when it was sent, in milliseconds, and its answer's status."""

    since: float
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the copy still worked."""
        return self.status < FIRST_REFUSAL


@dataclass(frozen=True, slots=True)
class Track:
    """All that one thief tried at one server around one ending."""

    place: str
    number: int
    tries: tuple[Try, ...]

    @property
    def accepted(self) -> tuple[Try, ...]:
        """Return what was sent after the ending and accepted nevertheless."""
        return tuple(one for one in self.tries if one.accepted and one.since >= 0)

    @property
    def last_accepted(self) -> float | None:
        """Return when the last such request was sent, `None` if there was none."""
        return self.accepted[-1].since if self.accepted else None

    @property
    def refusal(self) -> Try | None:
        """Return the first refusal, `None` if there was none while somebody watched."""
        return next((one for one in self.tries if not one.accepted), None)

    def keeps(self, promised: float) -> bool:
        """Tell whether nothing was accepted that was sent later than promised."""
        return self.last_accepted is None or self.last_accepted <= promised


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen of one setup. `promised` and `by_default` are in milliseconds.

    `promised` is the bound with the settings that were measured, `by_default` the one with
    those that an application gets if it states none.
    """

    promised: float
    by_default: float
    tracks: tuple[Track, ...]

    def at(self, place: str) -> tuple[Track, ...]:
        """Return the tracks of one server, in the order of the endings."""
        return tuple(one for one in self.tracks if one.place == place)

    @property
    def last_accepted(self) -> float | None:
        """Return the latest request that was still accepted, at any server."""
        return max(
            (t.last_accepted for t in self.tracks if t.last_accepted is not None), default=None
        )

    @property
    def refused_from(self) -> float | None:
        """Return the latest of the first refusals, `None` if a copy was never refused."""
        seen = [one.refusal for one in self.tracks]
        return None if None in seen else max((one.since for one in seen if one), default=None)

    @property
    def kept(self) -> bool:
        """Whether every copy was refused within the promise, at both servers."""
        return self.refused_from is not None and all(
            one.keeps(self.promised) for one in self.tracks
        )

    def as_json(self) -> dict[str, object]:
        """Return the window as JSON values; times in milliseconds."""
        return {
            "promised_ms": self.promised,
            "promised_by_default_ms": self.by_default,
            "pause_ms": PAUSE_MS,
            "pause_share": PAUSE_SHARE,
            "kept": self.kept,
            "tracks": [
                {
                    "server": track.place,
                    "ending": track.number,
                    "accepted_after": len(track.accepted),
                    "last_accepted_ms": track.last_accepted,
                    "first_refusal_ms": track.refusal.since if track.refusal else None,
                    "tries": [[round(one.since, 3), one.status] for one in track.tries],
                }
                for track in self.tracks
            ],
        }


class _Ending:
    """The moment at which the answer to the ending arrived; set by one, read by the thieves."""

    def __init__(self, patience_ms: float) -> None:
        self.patience_ms = patience_ms
        self.at_ns: int | None = None
        self.failed = threading.Event()
        self._watching = threading.Semaphore(0)

    def watch(self) -> None:
        """Say that another thief has had an answer."""
        self._watching.release()

    def wait_for(self, thieves: int) -> None:
        """Return when so many thieves have had an answer; raises `RuntimeError` if they do not."""
        if not all(self._watching.acquire(timeout=TIMEOUT_S) for _ in range(thieves)):
            raise RuntimeError("a thief had no answer")

    def since(self, moment_ns: int) -> float:
        """Return the milliseconds from the ending to a moment, negative while it is to come."""
        return -1.0 if self.at_ns is None else (moment_ns - self.at_ns) / _MILLISECOND_NS


@dataclass(frozen=True, slots=True)
class Robbery:
    """What one repetition needs: how the sign-in ends, and a thief at each server."""

    end: Callable[[], object]
    thieves: tuple[tuple[str, Caller], ...]


def watched(
    robberies: Sequence[Callable[[], contextlib.AbstractContextManager[Robbery]]],
    path: str,
    promised: float,
) -> tuple[Track, ...]:
    """Carry out every robbery and return what its thieves saw. Blocks.

    One begins while the thieves of those before may still be waiting for their refusal.
    """
    running: list[tuple[str, int, _Ending, Future[list[tuple[int, int]]]]] = []
    with ThreadPoolExecutor(2 * len(robberies)) as pool, contextlib.ExitStack() as opened:
        for number, robbery in enumerate(robberies, start=1):
            one, ending = opened.enter_context(robbery()), _Ending(promised + MARGIN_MS)
            began = [
                (place, number, ending, pool.submit(_replayed, thief, path, ending))
                for place, thief in one.thieves
            ]
            with _failing(ending):
                ending.wait_for(len(began))
                time.sleep(BEFORE_S)
                one.end()
                ending.at_ns = elapsed_ns()
            running += began
            wait([future for *_, future in began], timeout=STAGGER_S)
        return tuple(
            Track(place, number, _since(ending, future.result()))
            for place, number, ending, future in running
        )


@contextlib.contextmanager
def _failing(ending: _Ending) -> Iterator[None]:
    """Send the thieves home if the ending fails, so that nobody waits for them."""
    try:
        yield
    except BaseException:
        ending.failed.set()
        raise


def _replayed(thief: Caller, path: str, ending: _Ending) -> list[tuple[int, int]]:
    """Ask until the copy is refused for good; return when each request was sent, and its status."""
    tried: list[tuple[int, int]] = []
    refused = 0
    while not ending.failed.is_set():
        sent = elapsed_ns()
        status = thief.get(path)
        if not tried:
            ending.watch()
        tried.append((sent, status))
        since = ending.since(sent)
        refused = refused + 1 if status >= FIRST_REFUSAL else 0
        if ending.at_ns is not None and (refused > CONFIRMED or since > ending.patience_ms):
            break
        time.sleep(max(PAUSE_MS, since * PAUSE_SHARE) / 1000)
    return tried


def _since(ending: _Ending, tried: list[tuple[int, int]]) -> tuple[Try, ...]:
    return tuple(Try(ending.since(sent), status) for sent, status in tried)

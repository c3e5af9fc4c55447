"""Open connections, and what ends them before their time.

A WebSocket or an event stream is judged once and then lives on. Here it is kept under the
names by which the log may refuse it, so that an entry finds it at once. Everything happens
on one event loop. Nothing here knows HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextvars import Context
from enum import Enum, auto, unique
from typing import TYPE_CHECKING, Final, Self

from limen.errors import LimenError, StoreUnavailable
from limen.revocation import Kind
from limen.verdict import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from limen.clock import Clock
    from limen.ports import Feed
    from limen.principal import Principal
    from limen.revocation import Revocation

_log = logging.getLogger("limen.connections")
# Looks within `max_lag`, so that a look that hangs and the question that follows it leave time.
LOOKS: Final = 4
# For how much of `max_lag` one is left open of which nothing is learned. That is judged as often
# as a look may take, so none is left for longer than 7/8 of it.
PATIENCE: Final = 5 / 8
# Connections about which the store is asked at the same time.
ASKED_AT_ONCE: Final = 16
# The time of day may leap ahead of the event loop's, as when a machine was suspended.
CLOCK_READ_EVERY_S: Final = 60


@unique
class Ending(Enum):
    """Why a connection must be closed."""

    SIGNED_OUT = auto()  # revoked, or the session has reached its end
    UNKNOWN = auto()  # nobody could say for `max_lag` whether it is revoked


class Connection:
    """One open connection and whom it acts for; `close` it when it is over.

    As a context manager it closes itself. `ending` is `None` for as long as it may live on.
    """

    __slots__ = ("_closed", "_ended", "_forget", "_listener", "ending", "known_at", "principal")

    def __init__(self, principal: Principal, forget: Callable[[Connection], None]) -> None:
        self.principal = principal
        self.ending: Ending | None = None
        self.known_at = asyncio.get_running_loop().time()  # until then nothing had ended it
        self._ended = asyncio.Event()
        self._listener: Callable[[Ending], None] | None = None
        self._forget = forget
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nobody watches over it any more."""
        return self._closed

    async def ended(self) -> Ending:
        """Wait until the connection must be closed, and say why."""
        await self._ended.wait()
        assert self.ending is not None  # noqa: S101 - for the type checker: set before the event
        return self.ending

    def on_end(self, listener: Callable[[Ending], None]) -> None:
        """Call `listener` once, on the event loop, when the connection must be closed."""
        if self.ending is not None:
            listener(self.ending)
        else:
            self._listener = listener

    def end(self, ending: Ending) -> None:
        """Say that the connection must be closed; the first word counts."""
        if self._closed or self.ending is not None:
            return
        listener = self._listener
        self.close()
        self.ending = ending
        self._ended.set()
        if listener is not None:
            try:
                listener(ending)
            except Exception:  # noqa: BLE001 - others must end too, and whoever says so goes on
                _log.exception("an open connection has ended, and its listener failed")

    def close(self) -> None:
        """Stop watching over it; may be called again."""
        if not self._closed:
            self._closed = True
            self._listener = None
            self._forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Connections:
    """The open connections of one process, ended within `max_lag` of their revocation.

    The feed tells of new entries, usually within milliseconds. Four times in `max_lag` the
    log is read besides. When that fails, the store is asked about each connection, 16 at a
    time. One of which nothing was learned for five eighths of `max_lag` is ended as well,
    before it could outlive the bound.
    """

    def __init__(
        self,
        ask: Callable[[Principal], Awaitable[int | Refused]],
        clock: Clock,
        max_lag: int,
        *,
        logged: bool = True,
    ) -> None:
        """Make an empty registry; `max_lag` is in milliseconds.

        `ask` says until when a connection may live on, in milliseconds, and raises
        `StoreUnavailable`. `logged` is false where sessions end without an entry in the log.
        """
        self.feed: Feed | None = None
        self._ask = ask
        self._clock = clock
        self._logged = logged
        self._look_every_s = max_lag / 1000 / LOOKS
        self._patience_s = max_lag / 1000 * PATIENCE
        self._sessions: dict[str, set[Connection]] = {}
        self._subjects: dict[str, set[Connection]] = {}
        self._keys: dict[str, set[Connection]] = {}
        self._timers: dict[Connection, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        # Not that of a request: it may hold much, and would be held for as long as the loop runs.
        self._context = Context()
        self._known_at = float("-inf")  # of all connections, by the time of the event loop

    def __iter__(self) -> Iterator[Connection]:
        """Return the connections that are watched over."""
        return (one for several in self._sessions.values() for one in several)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._sessions.values()))

    async def open(self, principal: Principal) -> Connection:
        """Watch over a connection; raises `StoreUnavailable` if it cannot be judged in time.

        If `principal` was revoked since its verdict, the connection has ended already.
        """
        connection = Connection(principal, self._forget)
        # First this, then the question: what is revoked in between is heard or answered.
        for index, name in self._names(principal):
            index.setdefault(name, set()).add(connection)
        try:
            await self._judge(connection)
        except BaseException:
            connection.close()
            raise
        if connection.ending is Ending.UNKNOWN:
            raise StoreUnavailable("nobody said in time whether a sign-in still stands")
        if self.feed is not None and self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(
                self._look_on(), name="limen-connections", context=self._context
            )
        return connection

    def hear(self, entries: Sequence[Revocation]) -> None:
        """End what new entries of the log refuse."""
        for entry in entries:
            found: Iterable[Connection] = ()
            match entry.kind:
                case Kind.SESSION:
                    found = self._sessions.get(entry.subject, ())
                case Kind.USER:
                    found = _before(entry.not_before, self._subjects.get(entry.subject, ()))
                case Kind.KEY:
                    found = self._keys.get(entry.subject, ())
                case Kind.ALL:
                    found = _before(entry.not_before, self)
            for connection in tuple(found):
                connection.end(Ending.SIGNED_OUT)

    async def close(self) -> None:
        """End every connection, because nobody will hear of revocations any more."""
        for connection in tuple(self):
            connection.end(Ending.UNKNOWN)
        tasks = [*self._tasks, *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._looking = None

    # -- inside

    def _names(self, principal: Principal) -> Iterator[tuple[dict[str, set[Connection]], str]]:
        yield self._sessions, principal.session_id
        yield self._subjects, principal.subject
        if principal.key_id is not None:
            yield self._keys, principal.key_id

    def _forget(self, connection: Connection) -> None:
        timer = self._timers.pop(connection, None)
        if timer is not None:
            timer.cancel()
        for index, name in self._names(connection.principal):
            several = index.get(name)
            if several is not None:
                several.discard(connection)
                if not several:
                    del index[name]

    async def _judge(self, connection: Connection) -> None:
        asked_at = asyncio.get_running_loop().time()
        answer = await self._ask(connection.principal)
        if isinstance(answer, Refused):
            connection.end(Ending.SIGNED_OUT)
        elif not connection.is_closed:
            connection.known_at = asked_at
            self._wait_for(answer, connection)

    def _wait_for(self, end: int, connection: Connection) -> None:
        """Look at the clock when it should say `end`, or before."""
        timer = self._timers.get(connection)
        if timer is not None:
            timer.cancel()
        wait_s = min((end - self._clock.now()) / 1000, CLOCK_READ_EVERY_S)
        loop = asyncio.get_running_loop()
        self._timers[connection] = loop.call_later(
            wait_s, self._look_at_clock, end, connection, context=self._context
        )

    def _look_at_clock(self, end: int, connection: Connection) -> None:
        if self._clock.now() < end:
            self._wait_for(end, connection)
            return
        task = asyncio.get_running_loop().create_task(self._judge_at_end(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _judge_at_end(self, connection: Connection) -> None:
        """Ask whether the end has moved: somebody may have used the session elsewhere."""
        try:
            async with asyncio.timeout(self._patience_s):
                while not connection.is_closed:
                    with contextlib.suppress(LimenError):
                        async with self._asking:
                            return await self._judge(connection)
                    await asyncio.sleep(self._look_every_s)
        except TimeoutError:
            connection.end(Ending.UNKNOWN)
        except Exception:  # noqa: BLE001 - a fault that nobody foresaw keeps nothing open
            _log.exception("an open connection could not be judged at the end of its session")
            connection.end(Ending.UNKNOWN)

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._sessions:
            began_at = loop.time()
            await asyncio.sleep(self._look_every_s)
            # After a sleep that was far too long (a suspended machine), look before judging.
            if loop.time() - began_at < 2 * self._look_every_s:
                self._give_up()
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - the task must outlive a fault that nobody foresaw
                _log.exception("a look after the open connections failed and will be repeated")
            self._give_up()
        self._looking = None

    async def _look(self) -> None:
        began_at = asyncio.get_running_loop().time()
        if self._logged and await self._caught_up():
            self._known_at = began_at
            return
        self._give_up()
        if self.feed is not None and self.feed.went_back:
            return  # the store has forgotten what the log has, so nobody can say
        oldest_first = iter(sorted(self, key=lambda one: one.known_at))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._look_every_s), asyncio.TaskGroup() as group:
                for _ in range(ASKED_AT_ONCE):
                    group.create_task(self._ask_about(oldest_first))

    async def _caught_up(self) -> bool:
        try:
            async with asyncio.timeout(self._look_every_s):
                assert self.feed is not None  # noqa: S101 - for the type checker: looked at first
                await self.feed.catch_up()
        except (LimenError, TimeoutError):
            return False
        return not self.feed.went_back

    async def _ask_about(self, connections: Iterator[Connection]) -> None:
        with contextlib.suppress(LimenError):
            for connection in connections:
                if not connection.is_closed:
                    await self._judge(connection)

    def _give_up(self) -> None:
        oldest = asyncio.get_running_loop().time() - self._patience_s
        if self._known_at > oldest:
            return
        unknown = [one for one in self if one.known_at <= oldest]
        for connection in unknown:
            connection.end(Ending.UNKNOWN)
        if unknown:
            _log.warning(
                "%d open connections were ended: the store has not said for too long whether "
                "they are revoked",
                len(unknown),
            )


def _before(moment: int, connections: Iterable[Connection]) -> Iterator[Connection]:
    return (one for one in connections if one.principal.issued_at < moment)

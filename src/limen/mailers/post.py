"""The post office: takes letters at once and sends them after the answer, again if need be."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
from typing import TYPE_CHECKING, Final

from limen import forks
from limen.errors import LetterRejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.letter import Letter
    from limen.ports import AnyMailer

_log = logging.getLogger("limen.mail")
# An answer that said whether a letter left would say whether there is an account.
SETTLE_S: Final = 0.25
RETRY_AFTER_S: Final = (2.0, 10.0, 60.0, 300.0)
LONGEST_S: Final = 60.0  # one try
CLOSE_S: Final = 5.0
MOST_WAITING: Final = 1_000
LANES: Final = 4  # letters that are sent at the same time


class Post:
    """Sends letters in the background of one event loop.

    At most `MOST_WAITING` wait; one more is dropped and said so. A letter that cannot be sent
    is tried again after each of `retry_after` seconds and then given up. What is logged names
    neither the address nor the link.
    """

    def __init__(self, mailer: AnyMailer, retry_after: Sequence[float] = RETRY_AFTER_S) -> None:
        self._mailer = mailer
        self._retry_after = tuple(retry_after)
        self._under_way: set[asyncio.Task[None]] = set()
        self._begin()

    def _begin(self) -> None:
        self._closing = asyncio.Event()
        self._lanes = asyncio.Semaphore(LANES)

    def accept(self, letter: Letter) -> None:
        """Take a letter; returns at once, whatever becomes of it."""
        if len(self._under_way) >= MOST_WAITING:
            _log.error("a letter (%s) was dropped: too many wait already", letter.purpose)
            return
        task = asyncio.get_running_loop().create_task(self._deliver(letter), name="limen-letter")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Send what waits, each letter once more at most, and return after `CLOSE_S` seconds."""
        self._closing.set()
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            if late:
                _log.error("%d letters were not sent before the end", len(late))
                await asyncio.gather(*late, return_exceptions=True)
        self._begin()

    async def _deliver(self, letter: Letter) -> None:
        await self._pause(SETTLE_S)
        if not letter.to:
            return
        tries = len(self._retry_after) + 1
        for number, wait in enumerate((0.0, *self._retry_after), start=1):
            last = self._closing.is_set()
            await self._pause(wait)
            try:
                async with self._lanes, asyncio.timeout(LONGEST_S):
                    await _hand_over(self._mailer, letter)
            except LetterRejected as fault:
                _log.error("a letter (%s) was refused: %s", letter.purpose, fault)
                return
            except Exception as fault:  # noqa: BLE001 - a mailer may be anybody's
                _log.warning(
                    "a letter (%s) was not sent, try %d of %d: %s",
                    letter.purpose,
                    number,
                    tries,
                    type(fault).__name__,
                )
            else:
                return
            if last:
                break
        _log.error("a letter (%s) was given up", letter.purpose)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not while the post office closes."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)


async def _hand_over(mailer: AnyMailer, letter: Letter) -> None:
    if inspect.iscoroutinefunction(mailer.send):
        await mailer.send(letter)
    else:
        await asyncio.to_thread(mailer.send, letter)


class BlockingPost(forks.Forkable):
    """The same for code that does not await: one thread, begun with the first letter."""

    def __init__(self, mailer: AnyMailer, retry_after: Sequence[float] = RETRY_AFTER_S) -> None:
        self._mailer = mailer
        self._retry_after = tuple(retry_after)
        self._forget()
        forks.tell(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._post: Post | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def after_fork(self, *, child: bool) -> None:
        """Begin anew in a child: the parent's thread is not there, and its letters are its own."""
        if child:
            self._forget()

    def accept(self, letter: Letter) -> None:
        """Take a letter; returns at once, whatever becomes of it."""
        with self._lock:
            if self._loop is None or self._post is None:
                self._loop, self._post = asyncio.new_event_loop(), self._made()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="limen-post", daemon=True
                )
                self._thread.start()
            self._loop.call_soon_threadsafe(self._post.accept, letter)

    def _made(self) -> Post:
        return Post(self._mailer, self._retry_after)

    def close(self) -> None:
        """Send what waits and stop the thread; returns within `CLOSE_S` seconds or little more."""
        with self._lock:
            loop, post, thread = self._loop, self._post, self._thread
            self._loop = self._post = self._thread = None
        if loop is None or post is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(post.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

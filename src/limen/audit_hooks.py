"""Calling an application's hooks with each event that was kept, beside the requests.

A hook is never fatal and never waited for: it is called in the background, one event after the
other. What was not told when the process ended is in the audit log all the same.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from limen import forks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limen.audit import AuditEvent, AuditHook

_log = logging.getLogger("limen.audit")
LONGEST_S: Final = 10.0  # one call
CLOSE_S: Final = 5.0
MOST_WAITING: Final = 10_000


class Hooks:
    """Calls hooks on one event loop. A hook that does not await runs in a thread.

    At most `MOST_WAITING` events wait; one more is left out and said so. A call that raises,
    or takes longer than `LONGEST_S`, is logged and given up.
    """

    def __init__(self, hooks: Sequence[AuditHook], longest_s: float = LONGEST_S) -> None:
        self._hooks = tuple(hooks)
        self._longest_s = longest_s
        self._waiting: deque[AuditEvent] = deque()
        self._left_out = 0
        self._worker: asyncio.Task[None] | None = None

    def accept(self, event: AuditEvent) -> None:
        """Take an event; returns at once."""
        if not self._hooks:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._left_out += 1
            return
        self._waiting.append(event)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="limen-audit")

    async def _work(self) -> None:
        while self._waiting:
            event = self._waiting.popleft()
            for hook in self._hooks:
                await self._call(hook, event)
            if self._left_out:
                _log.error("the audit hooks are too slow: %d events were left out", self._left_out)
                self._left_out = 0

    async def _call(self, hook: AuditHook, event: AuditEvent) -> None:
        try:
            async with asyncio.timeout(self._longest_s):
                told = await asyncio.to_thread(hook, event)
                if inspect.isawaitable(told):
                    await told
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except BaseException as fault:  # noqa: BLE001 - one that calls sys.exit ends nobody else
            _log.error("an audit hook failed on %s: %s", event.kind, type(fault).__name__)

    async def close(self) -> None:
        """Tell what waits, and return after `CLOSE_S` seconds at the latest."""
        worker = self._worker
        if worker is not None and not worker.done():
            await asyncio.wait((worker,), timeout=CLOSE_S)
            if not worker.done():
                worker.cancel()
                _log.error("%d events were not told before the end", len(self._waiting) + 1)
                await asyncio.gather(worker, return_exceptions=True)
        self._waiting.clear()
        self._worker = None


class BlockingHooks(forks.Forkable):
    """The same for code that does not await: one thread, begun with the first event."""

    def __init__(self, hooks: Sequence[AuditHook], longest_s: float = LONGEST_S) -> None:
        self._given = tuple(hooks)
        self._longest_s = longest_s
        self._forget()
        forks.tell(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._hooks: Hooks | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def after_fork(self, *, child: bool) -> None:
        """Begin anew in a child: the parent's thread is not there."""
        if child:
            self._forget()

    def accept(self, event: AuditEvent) -> None:
        """Take an event; returns at once."""
        if not self._given:
            return
        with self._lock:
            if self._loop is None or self._hooks is None:
                self._loop, self._hooks = asyncio.new_event_loop(), self._made()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="limen-audit", daemon=True
                )
                self._thread.start()
            self._loop.call_soon_threadsafe(self._hooks.accept, event)

    def _made(self) -> Hooks:
        return Hooks(self._given, self._longest_s)

    def close(self) -> None:
        """Tell what waits and stop the thread; returns within `CLOSE_S` seconds or little more."""
        with self._lock:
            loop, hooks, thread = self._loop, self._hooks, self._thread
            self._loop = self._hooks = self._thread = None
        if loop is None or hooks is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(hooks.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

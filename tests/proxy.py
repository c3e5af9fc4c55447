"""A TCP proxy that a test can cut, hold up and slow down, between clients and a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")
CHUNK: Final = 1 << 16
ANSWER_S: Final = 30
EVERY: Final = b""  # a mark that every connection has


class _Line:
    """One connection of a client, and of ours to the server."""

    def __init__(self) -> None:
        self.ends: list[asyncio.StreamWriter] = []
        self.said = {EVERY}
        self.flowing = asyncio.Event()

    def abort(self) -> None:
        for end in self.ends:
            end.transport.abort()
        self.flowing.set()  # whoever waits finds the connection broken


class Proxy:
    """Listens on a free port of 127.0.0.1 (`port`) and forwards to a port of the same host.

    `at` is another address to listen on, where one must be known before. `marks` are octets
    to look for in what clients send. `cut` and `stall` take one of them as `only`, and then
    touch the connections whose client has sent it, and no others.
    """

    def __init__(
        self, target: int, marks: tuple[bytes, ...] = (), at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self._target, self._marks, self._at = target, marks, at
        self._cut: bytes | None = None
        self._stalled: bytes | None = None
        self._delay = 0.0
        self._lines: set[_Line] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server, self.port = self._in_loop(self._listen())

    # -- what a test does

    def count(self, only: bytes = EVERY) -> int:
        """Return how many connections there are, and leave them alone."""
        return self._in_loop(self._counted(only))

    def cut(self, only: bytes = EVERY) -> int:
        """Break the connections, and every new one at once; return how many there were."""
        self._cut = only
        return self._in_loop(self._apply())

    def stall(self, only: bytes = EVERY) -> int:
        """Take connections and forward nothing; return how many connections it met.

        What is sent meanwhile is kept, and arrives late even if its sender has given up.
        """
        self._stalled = only
        return self._in_loop(self._apply())

    def restore(self) -> None:
        """Forward again, beginning with what was held up."""
        self._cut = self._stalled = None
        self._in_loop(self._apply())

    def forward_to(self, target: int) -> None:
        """Let another server answer from now on; connections to the one before are broken."""
        self._target = target
        self._in_loop(self._abort_all())

    def delay(self, seconds: float) -> None:
        """Let whatever arrives from now on be forwarded so much later; 0 is no delay."""
        self._delay = seconds

    def close(self) -> None:
        """Break everything and stop listening."""
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- in the thread of the proxy

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)

    async def _listen(self) -> tuple[asyncio.Server, int]:
        server = await asyncio.start_server(self._connected, *self._at)
        return server, int(server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._server.close()
        await self._abort_all()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _abort_all(self) -> None:
        for line in list(self._lines):
            line.abort()

    async def _counted(self, only: bytes) -> int:
        return sum(only in line.said for line in self._lines)

    async def _apply(self) -> int:
        return sum([self._apply_to(line) for line in list(self._lines)])

    def _apply_to(self, line: _Line) -> bool:
        """Let a connection be as it should be now; true if that means anything but flowing."""
        if self._cut in line.said:
            line.abort()
        elif self._stalled in line.said:
            line.flowing.clear()
        else:
            line.flowing.set()
            return False
        return True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line()
        line.ends.append(writer)
        self._lines.add(line)
        try:
            self._apply_to(line)
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._target)
            line.ends.append(ours)
            self._apply_to(line)
            await asyncio.gather(
                self._pump(line, reader, ours, self._marks), self._pump(line, theirs, writer, ())
            )
        except OSError:
            pass  # an end that is gone: the other one learns of it below
        finally:
            self._lines.discard(line)
            line.abort()

    async def _pump(
        self,
        line: _Line,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        marks: tuple[bytes, ...],
    ) -> None:
        while chunk := await source.read(CHUNK):
            new = {mark for mark in marks if mark in chunk} - line.said
            if new:
                line.said |= new
                self._apply_to(line)
            await line.flowing.wait()
            if self._delay:
                await asyncio.sleep(self._delay)
            sink.write(chunk)
            await sink.drain()
        sink.close()

"""A TCP relay that counts what passes and may make the way longer."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit


class Wire:
    """Stands between clients and one server. Octets and turns are sums over all connections.

    A turn is a question that the client sends after an answer: one round trip.
    """

    def __init__(self, delay_ms: float = 0.0) -> None:
        self.asked = self.answered = self.turns = 0
        self._delay_s = delay_ms / 1000
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._port = 0

    async def open(self, url: str) -> str:
        """Listen before the server of this URL; return the URL with our port."""
        parts = urlsplit(url)
        assert parts.port is not None
        self._port = parts.port
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        ours = self._server.sockets[0].getsockname()[1]
        return url.replace(f":{parts.port}", f":{ours}", 1)

    async def close(self) -> None:
        """Stop listening, and cut what is connected."""
        if self._server is not None:
            self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self._port)
        turn = [False]  # whether the client spoke last
        for pump in (
            self._pump(reader, to_there, turn, asks=True),
            self._pump(there, writer, turn, asks=False),
        ):
            task = asyncio.create_task(pump)
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        turn: list[bool],
        *,
        asks: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if asks:
                    self.asked += len(data)
                    self.turns += not turn[0]
                else:
                    self.answered += len(data)
                turn[0] = asks
                if self._delay_s:
                    loop.call_later(self._delay_s, writer.write, data)
                else:
                    writer.write(data)
        writer.close()

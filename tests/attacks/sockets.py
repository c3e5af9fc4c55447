"""A WebSocket of somebody's, driven over ASGI without a server in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from arena import PATIENCE_S, Node

if TYPE_CHECKING:
    from parties import Line


class Dialled:
    """One connection; what the application says is heard in order."""

    def __init__(self, node: Node, path: str, *lines: Line) -> None:
        self._node = node
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "wss",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"app.example"), *(_lowered(line) for line in lines)],
            "client": ("198.51.100.66", 40_000),
            "server": ("app.example", 443),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }
        node.run(self._dial())

    async def _dial(self) -> None:
        self._heard: asyncio.Queue[Any] = asyncio.Queue()
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(
            self._node.app(self._scope, self._said.get, self._heard.put)  # type: ignore[arg-type]  # starlette's own names
        )

    def hear(self) -> dict[str, Any]:
        """Wait for the next message of the application."""

        async def next_one() -> dict[str, Any]:
            async with asyncio.timeout(PATIENCE_S):
                found: dict[str, Any] = await self._heard.get()
                return found

        return self._node.run(next_one())

    def say(self, text: str) -> dict[str, Any]:
        """Send a text and wait for what comes back."""

        async def put() -> None:
            await self._said.put({"type": "websocket.receive", "text": text})

        self._node.run(put())
        return self.hear()

    def leave(self) -> None:
        """Hang up, and wait until the application has noticed."""

        async def gone() -> None:
            await self._said.put({"type": "websocket.disconnect", "code": 1000})
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(self._task, return_exceptions=True)

        self._node.run(gone())


def _lowered(line: Line) -> tuple[bytes, bytes]:
    name, value = (part if isinstance(part, bytes) else part.encode("latin-1") for part in line)
    return name.lower(), value

"""The one address before several nodes: passes each request to a node that answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx

from limen.lab.recording.observation import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limen.lab.servers.nodes import Node, Nodes
    from limen.web.asgi import Message, Receive, Scope, Send

TIMEOUT_S: Final = 20.0
# What belongs to one connection and not to the message (RFC 9110 section 7.6.1).
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})
_NOBODY: Final = 502


class Balancer:
    """An ASGI application that forwards. A node that is gone is passed over."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _body_of(receive)
        for node in self.nodes.in_turn():
            answer = await _forwarded(node, scope, body)
            if answer is not None:
                await asyncio.to_thread(node.wait_for, labels_of(scope)[1])
                await _send(
                    send, answer.status_code, _passed_on(answer.headers.raw), answer.content
                )
                return
        await _send(send, _NOBODY, [], b"")


async def _forwarded(node: Node, scope: Scope, body: bytes) -> httpx.Response | None:
    """Return a node's answer, `None` if nobody is there."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        try:
            return await client.request(
                scope["method"],
                f"{node.url}{scope['path']}",
                params=scope["query_string"].decode("latin-1") or None,
                headers=_passed_on(scope["headers"]),
                content=body,
            )
        except httpx.ConnectError:
            return None


def _passed_on(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]


async def _body_of(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], content: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _lifespan(receive: Receive, send: Send) -> None:
    message: Message
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

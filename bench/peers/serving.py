"""How every Python peer is served: one process, one loop, and a credential from its own routes.

A peer's `serve.py` builds an application; `serve` binds it, signs two accounts up over HTTP,
signs one of them in, and prints one line of JSON that says how to call the peer. The
account that holds the credential is never the one that the sign-in row signs in: some peers
end the oldest session of an account at the sixth.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import http.client
import json
import platform
import signal
import socket
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import uvicorn

PASSWORD = "correct-horse-battery-staple"
HOLDER = "holder"
VISITOR = "visitor"
STARTS_WITHIN_S = 30


@dataclasses.dataclass(frozen=True)
class Call:
    """One request to the peer."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @classmethod
    def of_json(cls, path: str, fields: dict[str, str]) -> Call:
        """Return a POST of a JSON object."""
        return cls("POST", path, {"Content-Type": "application/json"}, json.dumps(fields))

    @classmethod
    def of_form(cls, path: str, fields: dict[str, str]) -> Call:
        """Return a POST of a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return cls("POST", path, kind, urllib.parse.urlencode(fields))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the peer answered to a sign-in."""

    cookies: tuple[str, ...]
    body: bytes

    def cookie_header(self) -> dict[str, str]:
        """Return every cookie that was set, as a browser sends them back."""
        assert self.cookies, "the sign-in set no cookie"
        return {"Cookie": "; ".join(self.cookies)}

    def bearer_header(self) -> dict[str, str]:
        """Return the access token of an OAuth 2 token response (RFC 6749, 5.1)."""
        return {"Authorization": f"Bearer {json.loads(self.body)['access_token']}"}


@dataclasses.dataclass(frozen=True)
class Peer:
    """An application and the doors it has for an account."""

    app: Any
    sign_up: Callable[[str], Call]
    sign_in: Callable[[str], Call]
    credential: Callable[[Answer], dict[str, str]]
    packages: tuple[str, ...]
    # Whether sign-in is the peer's own work, so that there is something to measure.
    has_sign_in: bool = True


def arguments() -> argparse.Namespace:
    """Read what the harness asks for: `port`, `variant`, `redis`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", required=True)
    parser.add_argument("--redis", help="URL of a server, where the variant keeps state in one")
    return parser.parse_args()


def serve(peer: Peer, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        peer.app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(config, peer, port))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.bound = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.bound.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again when it is done, and the exit code would be a death.
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self.handle_exit, one, None)
        yield


async def _serve(config: uvicorn.Config, peer: Peer, port: int) -> None:
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    bound = asyncio.create_task(server.bound.wait())
    await asyncio.wait(
        (serving, bound), timeout=STARTS_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
    )
    if not server.started:
        sys.exit("the peer did not start")
    ready = await asyncio.to_thread(_prepare, peer, port)
    print(json.dumps(ready), flush=True)
    await serving


def _prepare(peer: Peer, port: int) -> dict[str, Any]:
    """Sign up and in through the peer's own routes and check both sides of its guard."""
    for account in (HOLDER, VISITOR):
        _send(port, peer.sign_up(account))
    headers = peer.credential(_send(port, peer.sign_in(HOLDER)))
    _send(port, Call("GET", "/open", {}, ""), expected=(200,))
    _send(port, Call("GET", "/protected", headers, ""), expected=(200,))
    for refused in ({}, _altered(headers)):
        _send(port, Call("GET", "/protected", refused, ""), expected=(401,))
    visit = peer.sign_in(VISITOR)
    _send(port, visit)
    versions = {name: metadata.version(name) for name in (*peer.packages, "uvicorn")}
    return {
        "headers": headers,
        "sign_in": dataclasses.asdict(visit) if peer.has_sign_in else None,
        "versions": versions | {"python": platform.python_version()},
    }


def _altered(headers: dict[str, str]) -> dict[str, str]:
    """Return the credential with the case of its letters swapped, under the same names."""
    [(name, value)] = headers.items()
    if name == "Authorization":
        scheme, token = value.split(" ")
        return {name: f"{scheme} {token.swapcase()}"}
    pairs = (pair.partition("=") for pair in value.split("; "))
    return {name: "; ".join(f"{key}={text.swapcase()}" for key, _, text in pairs)}


def _send(port: int, call: Call, expected: tuple[int, ...] = (200, 201, 204)) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTS_WITHIN_S)
    with contextlib.closing(connection):
        connection.request(call.method, call.path, call.body or None, call.headers)
        response = connection.getresponse()
        body = response.read()
    if response.status not in expected:
        sys.exit(f"{call.method} {call.path} answered {response.status}: {body[:300]!r}")
    cookies = [value.split(";")[0] for value in response.headers.get_all("Set-Cookie", [])]
    return Answer(tuple(cookies), body)

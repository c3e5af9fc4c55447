"""Connections that know which server process they lead to, awaited and not awaited.

Each asks for the server's `run_id` when it is made, and sends it with every script: a server
that was restarted, or another one in its place, is told apart by it. No command is ever
repeated on its own, because the first one may have been carried out.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from redis import asyncio as aioredis
from redis import connection as blocking
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from limen.errors import ConfigurationError
from limen.stores.redis.rows import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from limen.stores.redis.scripts import Script
    from limen.stores.redis.steps import Argument, Reply

# How long anything may wait: for a connection or an answer.
TIMEOUT_MS: Final = 5_000
# Connections of one process.
POOL_SIZE: Final = 20

# A connection that nobody used for so long, in seconds, is looked at before it is used.
_REST_S: Final = 0.1
KEY: Final = b"{limen}:marker"
_RUN_ID: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)
_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss"}
_EXAMPLE: Final = "Use redis://user:password@host:6379/0, rediss:// for TLS or unix:///path."


def connection_maker(url: str, timeout_ms: int, *, awaits: bool) -> Callable[..., Any]:
    """Return what makes a connection, not yet open; raises `ConfigurationError`."""
    scheme, colon, rest = url.partition(":")
    module = aioredis.connection if awaits else blocking
    try:
        options: dict[str, Any] = dict(
            module.parse_url(_SCHEMES.get(scheme, scheme) + colon + rest)
        )
        kind = options.pop("connection_class", module.Connection)
        options |= {
            # Awaited commands are timed here: the client would use `asyncio.wait_for`, which
            # loses a cancellation that comes when its work is done (Python before 3.12).
            "socket_timeout": None if awaits else timeout_ms / 1000,
            "socket_connect_timeout": timeout_ms / 1000,
            "decode_responses": False,
            "protocol": 2,
            "client_name": "limen",
            "driver_info": None,
        }
        kind(**options)
    except (ValueError, TypeError, RedisError):
        made = None
    else:
        made = lambda **more: kind(**options, **more)  # noqa: E731 - closes over what was read
    if made is None:  # outside the handler: the error would carry the URL and its password
        raise ConfigurationError("redis", "is not the URL of a Redis or Valkey server.", _EXAMPLE)
    return made


def run_id_of(info: object) -> bytes:
    """Return the name of a server process from the answer to `INFO server`."""
    found = _RUN_ID.search(info) if isinstance(info, bytes) else None
    if found is None:
        raise RedisConnectionError("the server does not say which process it is (run_id)")
    return found.group(1)


def _command(script: Script, run_id: bytes, floor: int, arguments: list[bytes]) -> tuple[Any, ...]:
    return ("EVALSHA", script.digest, 1, KEY, run_id, floor, *arguments)


def _whole(script: Script, run_id: bytes, floor: int, arguments: list[bytes]) -> tuple[Any, ...]:
    return ("EVAL", script.text, 1, KEY, run_id, floor, *arguments)


class Connections:
    """Up to `size` connections for one event loop."""

    def __init__(self, url: str, timeout_ms: int, size: int) -> None:
        self._make = connection_maker(url, timeout_ms, awaits=True)
        self._timeout_s = timeout_ms / 1000
        self._room = asyncio.Semaphore(size)
        self._idle: list[Any] = []

    async def run(self, script: Script, floor: int, arguments: tuple[Argument, ...]) -> Reply:
        """Run one script and return its reply; raises what Redis raises."""
        sent = [encoded(argument) for argument in arguments]
        if self._room.locked():
            async with asyncio.timeout(self._timeout_s):
                await self._room.acquire()
        else:
            await self._room.acquire()
        try:
            connection = self._idle.pop() if self._idle else self._make(redis_connect_func=_greet)
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._ask(connection, script, floor, sent)
            finally:
                connection.limen_used_at = time.monotonic()
                self._idle.append(connection)
        finally:
            self._room.release()

    async def _ask(self, connection: Any, script: Script, floor: int, sent: list[bytes]) -> Reply:
        if connection.is_connected and time.monotonic() - connection.limen_used_at > _REST_S:
            await _drop_if_closed(connection)
        await connection.connect()
        try:
            await connection.send_command(
                *_command(script, connection.limen_run_id, floor, sent), check_health=False
            )
            reply: Reply = await connection.read_response()
        except NoScriptError:
            await connection.send_command(
                *_whole(script, connection.limen_run_id, floor, sent), check_health=False
            )
            reply = await connection.read_response()
        except RedisError:
            # It may lead to a server that serves us no more, such as a former master.
            await connection.disconnect(nowait=True)
            raise
        return reply

    async def close(self) -> None:
        """Close every connection that nobody uses."""
        while self._idle:
            await self._idle.pop().disconnect()


async def _drop_if_closed(connection: Any) -> None:
    """Let a server that was restarted be noticed before a request meets it."""
    # The event loop looks at its sockets in one turn, and tells the connection in the next.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        closed = await connection.can_read()
    except (RedisError, OSError):
        closed = True
    if closed:
        await connection.disconnect(nowait=True)


async def _greet(connection: Any) -> None:
    await connection.on_connect()
    await connection.send_command("INFO", "server", check_health=False)
    connection.limen_run_id = run_id_of(await connection.read_response())


class BlockingConnections:
    """Up to `size` connections for any thread. A process that was forked makes its own."""

    def __init__(self, url: str, timeout_ms: int, size: int) -> None:
        self._make = connection_maker(url, timeout_ms, awaits=False)
        self._timeout_s = timeout_ms / 1000
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._room = threading.Semaphore(self._size)
        self._idle: list[Any] = []

    def run(self, script: Script, floor: int, arguments: tuple[Argument, ...]) -> Reply:
        """Run one script and return its reply; raises what Redis raises."""
        sent = [encoded(argument) for argument in arguments]
        if self._process != os.getpid():
            self._begin()
        room = self._room
        if not room.acquire(timeout=self._timeout_s):
            raise TimeoutError
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._make(redis_connect_func=_greet_blocking)
            try:
                return self._ask(connection, script, floor, sent)
            finally:
                self._idle.append(connection)
        finally:
            room.release()

    def _ask(self, connection: Any, script: Script, floor: int, sent: list[bytes]) -> Reply:
        connection.connect()
        try:
            if connection.can_read():
                raise RedisConnectionError  # both mean that it was closed
        except (RedisError, OSError):
            connection.disconnect()
            connection.connect()
        try:
            connection.send_command(
                *_command(script, connection.limen_run_id, floor, sent), check_health=False
            )
            reply: Reply = connection.read_response()
        except NoScriptError:
            connection.send_command(
                *_whole(script, connection.limen_run_id, floor, sent), check_health=False
            )
            reply = connection.read_response()
        except RedisError:
            connection.disconnect()
            raise
        return reply

    def close(self) -> None:
        """Close every connection that nobody uses."""
        while self._idle:
            self._idle.pop().disconnect()


def _greet_blocking(connection: Any) -> None:
    connection.on_connect()
    connection.send_command("INFO", "server", check_health=False)
    connection.limen_run_id = run_id_of(connection.read_response())

"""Redis says when the log grows: a blocking read of the stream, on a connection of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from limen.errors import StoreUnavailable
from limen.stores.redis.connections import connection_maker
from limen.stores.redis.faults import FAULTS, unavailable

_LOG = b"{limen}:log"
# The bell wants to know that there is an entry; the entries are read elsewhere.
_MOST = 1_000


class RedisBell:
    """Rings when the log grows. Only a bell: the entries are in the log.

    A server that answers nothing at all is noticed `timeout_ms` after it should have.
    """

    def __init__(self, url: str, timeout_ms: int) -> None:
        self._make = connection_maker(url, timeout_ms, awaits=True)
        self._timeout_s = timeout_ms / 1000
        self._connection: Any = None
        self._last = b"0-0"

    async def open(self) -> None:
        """Connect, and listen from here on; raises `StoreUnavailable`."""
        await self.close()
        connection = self._make()
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect()
                await connection.send_command("XREVRANGE", _LOG, "+", "-", "COUNT", 1)
                newest = await connection.read_response()
        except FAULTS as error:
            fault = unavailable(error)
        else:
            self._connection, self._last = connection, newest[0][0] if newest else b"0-0"
            return
        await connection.disconnect(nowait=True)
        raise fault

    async def wait(self, timeout_s: float) -> None:
        """Return when it has rung or the time is over; raises `StoreUnavailable` when deaf."""
        connection = self._connection
        if connection is None or not connection.is_connected:
            raise StoreUnavailable("the connection that hears of revocations was lost")
        block_ms = max(1, round(timeout_s * 1000))
        try:
            async with asyncio.timeout(timeout_s + self._timeout_s):
                await connection.send_command(
                    *("XREAD", "COUNT", _MOST, "BLOCK", block_ms, "STREAMS", _LOG, self._last),
                    check_health=False,
                )
                heard = await connection.read_response()
        except FAULTS as error:
            fault = unavailable(error)
        except BaseException:
            # Cancelled in the middle of an answer: nobody may read the rest of it as another.
            await self.close()
            raise
        else:
            if heard:
                self._last = heard[0][1][-1][0]
            return
        await self.close()
        raise fault

    async def close(self) -> None:
        """Let go of the connection, without waiting for a server that may not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

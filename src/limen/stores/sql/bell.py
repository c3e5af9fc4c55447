"""PostgreSQL says when the log grows: LISTEN on a connection of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg

from limen.errors import StoreUnavailable
from limen.stores.sql.database import postgresql_options
from limen.stores.sql.log import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

_FAULTS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError)


class PostgresBell:
    """Hears `NOTIFY`, which PostgreSQL sends when the transaction that appended commits.

    When it was silent for as long as somebody waits, it asks its connection whether that
    still lives: a line that was cut without a word would be silent for ever.
    """

    def __init__(self, url: str, timeout_ms: int) -> None:
        self._url = url
        self._timeout_s = timeout_ms / 1000
        self._rung = asyncio.Event()
        self._connection: asyncpg.Connection | None = None

    async def open(self) -> None:
        """Connect and listen; raises `StoreUnavailable`."""
        options = postgresql_options(self._url)
        try:
            connection = await asyncpg.connect(
                **options,
                timeout=self._timeout_s,
                command_timeout=self._timeout_s,
                server_settings={"application_name": "limen-feed"},
            )
            self._connection = connection
            connection.add_termination_listener(cast("Callable[..., Any]", self._ring))
            await connection.add_listener(CHANNEL, cast("Callable[..., Any]", self._ring))
        except _FAULTS as error:
            fault = _unheard(error)
        else:
            return
        await self.close()
        raise fault

    async def wait(self, timeout_s: float) -> None:
        """Return when it has rung or the time is over; raises `StoreUnavailable` when deaf."""
        connection = self._connection
        if connection is None or connection.is_closed():
            raise StoreUnavailable("the connection that hears of revocations was lost")
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            try:
                await connection.execute("SELECT 1", timeout=timeout_s)
            except _FAULTS as error:
                fault = _unheard(error)
            else:
                return
            raise fault from None
        self._rung.clear()

    async def close(self) -> None:
        """Let go of the connection, without waiting for a server that may not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.remove_termination_listener(cast("Callable[..., Any]", self._ring))
            connection.terminate()
            await asyncio.sleep(0)  # the loop closes the socket in its next turn

    def _ring(self, *_: object) -> None:
        self._rung.set()


def _unheard(error: BaseException) -> StoreUnavailable:
    return StoreUnavailable(f"no revocation can be heard of ({type(error).__name__})")

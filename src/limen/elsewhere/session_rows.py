"""The sessions of another library in its own database, read and never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from limen.elsewhere.databases import awaited_engine, unavailable
from limen.elsewhere.layouts import SESSIONS, USERS, Names
from limen.elsewhere.tables import found_tables
from limen.guarantees import Format, Guarantees, RevocationCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Select
    from sqlalchemy.ext.asyncio import AsyncEngine

    from limen.elsewhere.layouts import Layout


# One look at their row, three at Limen's store; nothing outlives its row.
ROW_GUARANTEES: Final = Guarantees(
    format=Format.REFERENCE,
    check=RevocationCheck.STORE,
    store_reads_per_request=4,
    revocation_window=0,
    idle=None,
    absolute=None,
    needs_store=False,
)


class SessionRows:
    """Finds one session by its token, together with its user."""

    def __init__(
        self,
        url: str,
        layout: Layout,
        tables: Mapping[str, str] | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        """Check the URL; raises `ConfigurationError`."""
        self._url = url
        self._layout = layout
        self._names = Names(tables or {}, columns or {}, "tables", "columns")
        self._engine: AsyncEngine | None = None
        self._wanted: Select[Any] | None = None
        awaited_engine(url, "database")

    async def open(self) -> None:
        """Find the tables; raises `ConfigurationError` or `StoreUnavailable`."""
        engine = awaited_engine(self._url, "database")
        try:
            async with engine.connect() as connection:
                self._wanted = await connection.run_sync(self._look)
        except (SQLAlchemyError, OSError) as fault:
            raise unavailable("the database of another server", fault) from None
        finally:
            await engine.dispose()  # it goes on with the first request
        self._engine = engine

    async def close(self) -> None:
        """Release every connection."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def find(self, token: str) -> Mapping[str, Any] | None:
        """Return the row of a session; `None` if there is none or its user is gone."""
        if self._engine is None or self._wanted is None:
            await self.open()
        assert self._engine is not None and self._wanted is not None  # noqa: S101, PT018 - opened
        try:
            async with self._engine.connect() as connection:
                found = await connection.execute(self._wanted, {"wanted": token})
                row = found.mappings().one_or_none()
        except (SQLAlchemyError, OSError) as fault:
            raise unavailable("the database of another server", fault) from None
        return None if row is None else dict(row)

    def _look(self, connection: Connection) -> Select[Any]:
        found = found_tables(connection, self._layout, self._names)
        sessions, users = found[SESSIONS], found[USERS]
        mine = sessions.columns["user_id"] == users.columns["id"]
        apart = [one for one in users.labelled() if one.name != "id"]
        return (
            select(*sessions.labelled(), *apart)
            .select_from(sessions.table.join(users.table, mine))
            .where(sessions.columns["token"] == bindparam("wanted"))
        )

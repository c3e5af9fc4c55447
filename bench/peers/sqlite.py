"""The SQLite file of the peers that use SQLAlchemy, in the journal mode that Limen uses."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_folder = tempfile.TemporaryDirectory(prefix="limen-bench-peer-")


def new_engine() -> AsyncEngine:
    """Return an engine on a new file, which goes away with the process.

    Write-ahead log and full synchronisation, as Limen's own store sets them; the pool is
    SQLAlchemy's default.
    """
    file = Path(_folder.name) / "peer.sqlite3"
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine

"""Which tables a database has, in the words of the migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, column, inspect, select, table

from limen.errors import MigrationNeeded
from limen.stores.sql.tables import REVISION, VERSION_TABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection

_REMEDY = "Run: limen migrate"


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database, `None` if it has no Limen tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = select(column("version_num", Text)).select_from(table(VERSION_TABLE))
    return connection.scalar(version)


def check_revision(connection: Connection) -> None:
    """Raise `MigrationNeeded` unless the database is what this version was written for."""
    found = revision_of(connection)
    if found is None:
        raise MigrationNeeded("database", "has no Limen tables.", _REMEDY)
    if found != REVISION:
        problem = f"is at revision {found}, this version needs {REVISION}."
        raise MigrationNeeded("database", problem, _REMEDY)

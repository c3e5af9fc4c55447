"""Stores in SQLite and PostgreSQL, by SQLAlchemy Core; their tables, by Alembic."""

from limen.stores.sql.database import missing_file
from limen.stores.sql.migrations import current_revision, head_revision, migrate
from limen.stores.sql.store import BlockingSqlStore, SqlStore, open_blocking_store, open_store

__all__ = [
    "BlockingSqlStore",
    "SqlStore",
    "current_revision",
    "head_revision",
    "migrate",
    "missing_file",
    "open_blocking_store",
    "open_store",
]

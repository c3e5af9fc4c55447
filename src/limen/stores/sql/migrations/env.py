"""What Alembic runs to migrate: on the connection and in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

from limen.stores.sql.tables import VERSION_TABLE, metadata


def _migrate() -> None:
    attributes = context.config.attributes
    applied: list[str] = attributes["applied"]

    def on_apply(
        ctx: MigrationContext,
        step: MigrationInfo,
        heads: Collection[Any],
        run_args: Mapping[str, Any],
    ) -> None:
        del ctx, heads, run_args  # Alembic passes all four by name
        applied.append(str(step.up_revision_id))

    context.configure(
        connection=attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        on_version_apply=on_apply,
    )
    with context.begin_transaction():
        context.run_migrations()


_migrate()

"""Numbered changes of the tables, applied by the program itself; no alembic.ini is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from limen.errors import MigrationNeeded
from limen.stores.sql.database import TIMEOUT_MS, blocking_engine, writing_options
from limen.stores.sql.faults import FAULTS, unavailable
from limen.stores.sql.locks import Lock, hold
from limen.stores.sql.schema import revision_of
from limen.stores.sql.tables import REVISION

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

A = TypeVar("A")

_SCRIPTS: Final = Path(__file__).parent
# A change of a large table may take longer than a request may wait.
MIGRATION_TIMEOUT_MS: Final = 120 * TIMEOUT_MS


def migrate(url: str, *, to: str = "head") -> list[str]:
    """Bring a database up to a revision, in one transaction; return what was applied.

    Raises `StoreUnavailable`, `ConfigurationError`, and `MigrationNeeded` if the database
    was migrated by a newer version. Two processes may call it at once:
    the second waits for the first and finds nothing to do.
    """
    return _on(url, lambda connection: _upgrade(connection, to))


def current_revision(url: str) -> str | None:
    """Return the revision of a database, `None` if it has no Limen tables."""
    return _on(url, revision_of)


def head_revision() -> str:
    """Return the revision that this version of Limen needs."""
    return REVISION


def _on(url: str, work: Callable[[Connection], A]) -> A:
    engine = blocking_engine(url, MIGRATION_TIMEOUT_MS, 1)
    try:
        writing = engine.execution_options(**writing_options(engine.dialect.name))
        with writing.begin() as connection:
            return work(connection)
    except FAULTS as error:
        fault = unavailable(error)
    finally:
        engine.dispose()
    raise fault


def _upgrade(connection: Connection, to: str) -> list[str]:
    # Imported here: a service that only opens its store does without Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    hold(connection, Lock.MIGRATION)
    _check_known(revision_of(connection))
    applied: list[str] = []
    config = Config(attributes={"connection": connection, "applied": applied})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    command.upgrade(config, to)
    return applied


def _check_known(found: str | None) -> None:
    known = {path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*_*.py")}
    if found is not None and found not in known:
        raise MigrationNeeded(
            "database",
            f"is at revision {found}, which this version does not know.",
            "Install the version of Limen that migrated it.",
        )

"""`limen migrate`: the tables that this version needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from limen.cli.configuration import shown_database
from limen.cli.examples import example
from limen.cli.faults import ExitCode, give_up
from limen.cli.opening import ConfigOption, DatabaseOption, configured, named_database
from limen.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "migrate",
        epilog=example(
            "limen migrate --database sqlite+aiosqlite:///app.db", "limen migrate --check"
        ),
    )(migrate_database)


def migrate_database(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; exit with 1 if something is pending."),
    ] = False,
) -> None:
    """Create the tables in the database, or bring them up to date.

    Everything is applied in one transaction, or nothing is. Two processes may run it at
    once. It needs no secret.
    """
    # Imported here: other commands do without the database libraries.
    from limen.stores.sql import head_revision, migrate  # noqa: PLC0415

    url = named_database(configured(ctx, config, database))
    shown = shown_database(url)
    if check:
        _check(url, shown)
        return
    with Console(stderr=True).status(f"Migrating {shown}"):
        applied = migrate(url)
    for revision in applied:
        say(f"Applied {revision}.")
    if applied:
        say(f"{shown} is now at revision {head_revision()}.")
    else:
        say(f"{shown} is already up to date, at revision {head_revision()}.")


def _check(url: str, shown: str) -> None:
    from limen.stores.sql import head_revision  # noqa: PLC0415 - as above
    from limen.stores.sql.condition import examine  # noqa: PLC0415 - as above

    found = examine(url).revision
    if found == head_revision():
        say(f"{shown} is up to date, at revision {found}.")
        raise typer.Exit(ExitCode.OK)
    state = f"is at revision {found}" if found else "has no Limen tables"
    give_up(f"{shown} {state}; this version needs {head_revision()}. Run: limen migrate")

"""`limen`: every command, and what they have in common."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from limen.cli import (
    audit,
    doctor,
    import_users,
    keys,
    lab,
    mail,
    migrate,
    migrate_strategy,
    restored,
    secret,
    serve,
    sessions,
    settings,
    users,
)
from limen.cli.faults import EXIT_CODES, FaultGroup
from limen.cli.opening import ConfigOption, DatabaseOption, overrides_of
from limen.cli.output import say

app = typer.Typer(
    cls=FaultGroup,
    add_completion=False,
    no_args_is_help=True,
    # Plain help reads the same in a terminal, in a pipe and in the documentation.
    rich_markup_mode=None,
    # An unexpected fault shows Python's own traceback, which has no local variables.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
    epilog=f"{EXIT_CODES}\n\n\b\nFirst steps:\n"
    '  export LIMEN_SECRET="$(limen secret)"\n'
    "  export LIMEN_DATABASE=sqlite+aiosqlite:///app.db\n"
    "  limen migrate\n"
    "  limen users add you@example.org\n"
    "  limen serve",
)


def show_version(wanted: bool) -> None:
    """Print the version; called before a command is looked for."""
    if wanted:
        say(f"limen {version('limen')}")
        raise typer.Exit


@app.callback()
def limen(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Sign-in for Python back ends: run the service, look after accounts, sessions and keys.

    Settings come from LIMEN_... variables and from the [limen] table of a TOML file;
    `limen settings` shows each one. Every command accepts --help.
    """
    ctx.obj = overrides_of(ctx, config, database)


secret.register(app)
settings.register(app)
migrate.register(app)
migrate_strategy.register(app)
doctor.register(app)
serve.register(app)
users.register(app)
import_users.register(app)
sessions.register(app)
restored.register(app)
keys.register(app)
audit.register(app)
mail.register(app)
lab.register(app)

"""`limen settings`: what is in force, and where it came from."""

from __future__ import annotations

import typer

from limen.cli.configuration import effective
from limen.cli.examples import example
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, configured
from limen.cli.output import emit, say, show_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("settings", epilog=example("limen settings", "limen settings --json"))(
        show_settings
    )


def show_settings(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every setting that is in force, and where it came from.

    A command-line option wins over the environment, and the environment over the file.
    Secrets and the passwords in database URLs are never shown.
    """
    configuration = configured(ctx, config, database)
    rows = effective(configuration)
    if as_json:
        emit({name: {"value": value, "source": source} for name, value, source in rows})
    else:
        show_table(("setting", "value", "source"), rows)
    configuration.settings()  # a contradiction is worth an error after the list
    if not as_json and configuration.file is not None:
        say(f"File: {configuration.file}")

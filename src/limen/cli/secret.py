"""`limen secret`."""

from __future__ import annotations

from typing import Annotated

import typer

from limen.cli.configuration import read
from limen.cli.examples import example
from limen.cli.opening import ConfigOption, overrides_of
from limen.cli.output import emit_line
from limen.entropy import SystemEntropy, random_text
from limen.sealing import Secrets
from limen.transports.better_auth import cache_secret

SECRET_OCTETS = 48


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("secret", epilog=example('export LIMEN_SECRET="$(limen secret)"'))(print_secret)


def print_secret(
    ctx: typer.Context,
    cookie_cache: Annotated[
        bool,
        typer.Option(
            "--cookie-cache",
            help="Print instead what the front end needs to read the cookie cache: it comes from "
            "the secret that is configured, and opens nothing else.",
            show_default=False,
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Print a new random secret for LIMEN_SECRET.

    Keep it out of the repository, and keep it: what is sealed under it opens only with it.
    To replace it, put the new one before the old one in LIMEN_SECRETS.
    """
    if cookie_cache:
        values = read(overrides_of(ctx, config)).values
        secrets = Secrets.of(values.get("secrets", values.get("secret")))
        emit_line(cache_secret(secrets))
        return
    emit_line(random_text(SystemEntropy(), SECRET_OCTETS))

"""`limen secret`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.cli.examples import example
from limen.cli.output import emit_line
from limen.entropy import SystemEntropy, random_text

if TYPE_CHECKING:
    import typer

SECRET_OCTETS = 48


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("secret", epilog=example('export LIMEN_SECRET="$(limen secret)"'))(print_secret)


def print_secret() -> None:
    """Print a new random secret for LIMEN_SECRET.

    Keep it out of the repository, and keep it: what is sealed under it opens only with it.
    To replace it, put the new one before the old one in LIMEN_SECRETS.
    """
    emit_line(random_text(SystemEntropy(), SECRET_OCTETS))

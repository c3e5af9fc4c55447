"""`limen lab`: a page on this machine that shows every step as it happens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limen.cli.examples import example
from limen.cli.faults import give_up
from limen.cli.output import say
from limen.cli.serve import bound, run_server
from limen.errors import ConfigurationError

# The Lab shows what a service must hide, so nobody else may reach it.
LAB_HOST = "127.0.0.1"
LAB_PORT = 8600


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "lab", epilog=example("limen lab", "limen lab --port 9100", "limen lab --check trace.json")
    )(run_lab)


def run_lab(
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65_535, metavar="PORT", help="Port to listen on; 0 is any free one."
        ),
    ] = LAB_PORT,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Hold a trace.json against its schema, say whether it fits, and start nothing.",
        ),
    ] = None,
    shown: Annotated[
        Path | None,
        typer.Option(
            "--open",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Show the run of a trace.json as well, marked as imported.",
        ),
    ] = None,
) -> None:
    """Start the Lab, where a browser shows each strategy step by step.

    It prints an address that works once, for your browser. It listens on 127.0.0.1 only and
    keeps everything in memory: your settings and your database are not touched.
    """
    try:
        from limen.lab.app import create_app  # noqa: PLC0415 - only this needs the Lab's extra
        from limen.lab.exports import foreign, schema  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "lab", f"the package {error.name} is missing.", "Install limen[lab]."
        ) from None
    try:
        if check is not None:
            say(f"{check}: a trace of version 1, SHA-256 {schema.fitting(check)}")
            return
        runs = [] if shown is None else [foreign.opened(shown)]
    except schema.NotATrace as fault:
        give_up(f"{check or shown} is no trace that this version can read: {fault}.")
    with bound(LAB_HOST, port or 0) as listening:
        lab = create_app(listening.getsockname()[1], runs=runs)
        say(f"Open {lab.launch_url}")
        say("Press Ctrl-C to stop.")
        sys.stdout.flush()  # whoever reads a pipe needs the address now
        run_server(lab.app, fd=listening.fileno(), access_log=False)

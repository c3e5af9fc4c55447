"""`limen serve`: the ready-made service, run by uvicorn."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from limen.authority import Limen
from limen.blocking import BlockingLimen
from limen.cli.configuration import Overrides, read, shown_database
from limen.cli.examples import example
from limen.cli.faults import ExitCode, give_up
from limen.cli.opening import ConfigOption, DatabaseOption, StrategyOption, overrides_of
from limen.cli.output import complain, say
from limen.cli.variables import CONFIG_VARIABLE, PREFIX
from limen.errors import ConfigurationError

APPLICATION = "limen.cli.serve:application"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "serve",
        epilog=example("limen serve", "limen serve --host 0.0.0.0 --port 9000 --workers 4"),
    )(serve)


def serve(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    strategy: StrategyOption = None,
    # Ports and hosts have no variables: LIMEN_PORT and LIMEN_SERVICE_HOST are what some
    # orchestrators set by themselves for a service that is called limen.
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65_535, metavar="PORT", help="Port to listen on; 0 is any free one."
        ),
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes that serve.")] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when Python files here change.")
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log each request with its path and query.")
    ] = False,
) -> None:
    """Run the ready-made sign-in service.

    The settings, the database and the keys are checked before the port opens. Press Ctrl-C
    to stop: running requests are answered first.
    """
    if reload and workers > 1:
        raise typer.BadParameter("--reload works with one worker only.")
    _service()
    overrides = overrides_of(ctx, config, database, strategy)
    settings = read(overrides).settings()
    with BlockingLimen(settings=settings):
        pass  # a missing table or a wrong secret is found here, in one sentence
    listening = bound(host, port)
    kept = shown_database(settings.database) if settings.database else "nothing"
    say(
        f"Serving strategy {settings.strategy!r} under http://{host}:{port}{settings.base_path}, "
        f"keeping {kept}."
    )
    if settings.authjs.version is not None:
        say(
            f"Serving the client of next-auth {settings.authjs.version} under "
            f"http://{host}:{port}{settings.authjs.path}."
        )
    if settings.base_url is None:
        complain("base_url is not set; run `limen doctor` before you go public.")
    hand_on(overrides)
    with listening:
        run_server(
            APPLICATION,
            factory=True,
            fd=listening.fileno(),
            workers=workers,
            reload=reload,
            access_log=access_log,
        )


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that will listen there; give up if none can, before anything is announced."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as asyncio does
    # What is accepted inherits it. asyncio sees to it only where it made the socket, which is not
    # so with several workers: then each answer to a kept connection waited 40 ms for an ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        why = error.strerror or str(error)
        give_up(f"Port {port} of {host} cannot be opened ({why}). Choose another with --port.")
    return listening


def run_server(app: Any, **options: Any) -> None:
    """Serve until somebody stops it; exits with 1 if it cannot start."""
    import uvicorn  # noqa: PLC0415 - slow to import, and few commands need it

    try:
        uvicorn.run(app, server_header=False, lifespan="on", **options)
    except SystemExit as stopped:  # uvicorn's own codes mean something else than ours
        raise typer.Exit(ExitCode.FAILED if stopped.code else ExitCode.OK) from None


def hand_on(overrides: Overrides) -> None:
    """Put the command line into the environment, where worker processes find it."""
    given = {
        CONFIG_VARIABLE: overrides.config and str(Path(overrides.config).absolute()),
        f"{PREFIX}DATABASE": overrides.database,
        f"{PREFIX}STRATEGY": overrides.strategy,
    }
    os.environ.update({name: value for name, value in given.items() if value})


def application() -> Any:
    """Return the service that the environment describes, for an ASGI server."""
    return _service()(Limen(settings=read(Overrides()).settings()))


def _service() -> Callable[[Limen], Any]:
    try:
        from limen.service.app import create_app  # noqa: PLC0415 - only this command needs it
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "serve", f"the package {error.name} is missing.", "Install limen[cli]."
        ) from None
    return create_app

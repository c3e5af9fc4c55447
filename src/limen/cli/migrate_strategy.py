"""`limen migrate-strategy`: what is left to move from one strategy to another, and how to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from limen.cli.configuration import read
from limen.cli.examples import example
from limen.cli.faults import ExitCode
from limen.cli.leftovers import COLUMNS, Leftovers
from limen.cli.moves import Move
from limen.cli.opening import (
    ConfigOption,
    DatabaseOption,
    JsonOption,
    StrategyOption,
    opened,
    overrides_of,
)
from limen.cli.output import emit, emit_line, moment, say, show_table, table_of
from limen.errors import ConfigurationError
from limen.settings import STRATEGY_NAMES

if TYPE_CHECKING:
    from limen.blocking import BlockingLimen
    from limen.cli.configuration import Configuration
    from limen.settings import Settings

Report = Callable[[Leftovers, int | None], None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "migrate-strategy",
        epilog=example(
            "limen migrate-strategy --to hybrid",
            "limen migrate-strategy --watch",
            "until limen migrate-strategy; do sleep 60; done",
        ),
    )(migrate_strategy)


def migrate_strategy(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="NAME",
            help="Say the steps of the move to jwt, session or hybrid, and look at nothing.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again and again until nothing is left.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Pause between two looks.")
    ] = 5.0,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is left while a system moves from one strategy to another.

    It counts the live sessions and credentials of each strategy and says what to do now. It
    needs the strategy and `accept` of your application, and changes nothing. Exits with 5
    while sessions are left that hold only an old kind of credential, and with 0 when none is.
    """
    configuration = read(overrides_of(ctx, config, database, strategy))
    _check_named(configuration)
    settings = configuration.settings()
    if to is not None:
        _show_move(settings, to, watch=watch, as_json=as_json)
        return
    if settings.refresh is None and settings.database is None:
        raise ConfigurationError(
            "database",
            "is not set, and strategy='jwt' with refresh=None keeps nothing to count.",
            f"Each of its tokens ends {settings.access_lifetime:g} s after it was signed.",
        )
    with opened(ctx, config, database, strategy) as auth:
        if watch:
            _watch(auth, every, as_json=as_json)
            return
        found = _look(auth)
    if as_json:
        emit(found.as_json())
    else:
        show_table(COLUMNS, found.rows())
        say(found.advice())
    if found.left:
        raise typer.Exit(ExitCode.LEFT)


def _check_named(configuration: Configuration) -> None:
    if "strategy" not in configuration.values:
        raise ConfigurationError(
            "strategy",
            "is not set, so what is old cannot be known.",
            "Set it to what your application issues, or pass --strategy.",
        )


def _show_move(settings: Settings, to: str, *, watch: bool, as_json: bool) -> None:
    if to not in STRATEGY_NAMES:
        raise typer.BadParameter("choose jwt, session or hybrid.", param_hint="--to")
    if watch:
        raise typer.BadParameter("--to looks at nothing that could be watched.")
    move = Move(settings, to)
    if as_json:
        emit(move.as_json())
        return
    for line in move.text():
        say(line)


def _look(auth: BlockingLimen) -> Leftovers:
    at = auth.assembly.clock.now()
    return Leftovers(auth.settings, auth.credential_counts(), at)


def _watch(auth: BlockingLimen, every: float, *, as_json: bool) -> None:
    console = Console()
    if console.is_terminal and not as_json:
        with Live(console=console, auto_refresh=False) as screen:
            _repeat(auth, every, lambda found, before: _draw(screen, found, before))
    else:
        _repeat(auth, every, _print_json if as_json else _print_line)


def _repeat(auth: BlockingLimen, every: float, report: Report) -> None:
    """Look and report until nothing is left."""
    before: int | None = None
    while True:
        found = _look(auth)
        report(found, before)
        if not found.left:
            return
        before = found.left
        time.sleep(every)


def _draw(screen: Live, found: Leftovers, before: int | None) -> None:
    table = table_of(COLUMNS, found.rows())
    screen.update(Group(table, Text(_line(found, before)), Text(found.advice())), refresh=True)


def _print_json(found: Leftovers, before: int | None) -> None:
    change = None if before is None else found.left - before
    emit_line(json.dumps({**found.as_json(), "change": change}))


def _print_line(found: Leftovers, before: int | None) -> None:
    emit_line(_line(found, before))
    if not found.left:
        emit_line(found.advice())


def _line(found: Leftovers, before: int | None) -> str:
    change = "" if before is None else f" ({found.left - before:+,})"
    of = ", ".join(f"{one.live:,} of {one.strategy}" for one in found.old)
    return f"{moment(found.at)}  left to move: {found.left:,}{change}{': ' * bool(of)}{of}"

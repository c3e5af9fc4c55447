"""The options that every command shares, and opening what they describe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from limen.auditing import COMMAND_LINE, audited_as
from limen.blocking import BlockingLimen
from limen.cli.configuration import Configuration, Overrides, read
from limen.errors import ConfigurationError
from limen.keyring import KeyState
from limen.settings import STRATEGY_NAMES, Settings

ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="TOML file with a [limen] table; else LIMEN_CONFIG, else ./limen.toml if present.",
        show_default=False,
    ),
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Database to use instead of the one in LIMEN_DATABASE or the file.",
        show_default=False,
    ),
]
StrategyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        metavar="NAME",
        help="jwt, session or hybrid, instead of the one in LIMEN_STRATEGY or the file.",
        show_default=False,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, for scripts.", show_default=False)
]


def overrides_of(
    ctx: typer.Context,
    config: Path | None = None,
    database: str | None = None,
    strategy: str | None = None,
) -> Overrides:
    """Join the options of a command with those before its name."""
    before = ctx.obj if isinstance(ctx.obj, Overrides) else Overrides()
    return Overrides(config, database, strategy).over(before)


def configured(ctx: typer.Context, config: Path | None, database: str | None) -> Configuration:
    """Return what is configured; raises `ConfigurationError`."""
    return read(overrides_of(ctx, config, database))


def named_database(configuration: Configuration) -> str:
    """Return the database URL; raises `ConfigurationError` if none was written."""
    if configuration.database is None:
        raise ConfigurationError(
            "database",
            "is not set.",
            "Set it, or pass --database, for instance sqlite+aiosqlite:///app.db.",
        )
    return configuration.database


@contextlib.contextmanager
def opened(
    ctx: typer.Context, config: Path | None, database: str | None, strategy: str | None = None
) -> Iterator[BlockingLimen]:
    """Open what is configured, for one command.

    Raises `ConfigurationError`, among them `MigrationNeeded`, and `StoreUnavailable`.
    """
    configuration = read(overrides_of(ctx, config, database, strategy))
    named_database(configuration)
    settings = configuration.settings()
    if "strategy" not in configuration.values:
        # The application may have chosen any: promise only what the slowest of them keeps.
        settings = replace(settings, accept=STRATEGY_NAMES)
    if "algorithm" not in configuration.values:
        settings = replace(settings, algorithm=_algorithm_in_use(settings))
    with BlockingLimen(settings=settings) as auth, audited_as(COMMAND_LINE):
        yield auth


def _algorithm_in_use(settings: Settings) -> str:
    """Return the algorithm of the application's keys, which a rotation must not change."""
    with BlockingLimen(settings=settings) as auth:
        signing = (key.algorithm for key in auth.keys() if key.state is KeyState.SIGNING)  # noqa: SIM118 - no dict
        return next(signing, settings.algorithm)

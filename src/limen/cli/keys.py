"""`limen keys`: the keys that sign tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from limen.cli.examples import example
from limen.cli.faults import give_up
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, opened
from limen.cli.output import emit, iso, moment, receipt_json, receipt_text, say, show_table
from limen.clock import SystemClock
from limen.errors import ConfigurationError
from limen.revocation import Target

KeyArgument = Annotated[
    str,
    typer.Argument(metavar="KEY_ID", help="Id of the key; write -- before one that begins with -."),
]
_ID = "cG5uX0Rk3l0Yl1o1Yy0yQd0m2m6a7Hn4w8uQe0v1cZk"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list", epilog=example("limen keys list"))(list_keys)
    group.command("rotate", epilog=example("limen keys rotate"))(rotate)
    group.command("retire", epilog=example(f"limen keys retire {_ID}"))(retire)
    group.command("remove", epilog=example(f"limen keys remove {_ID}"))(remove)
    app.add_typer(
        group,
        name="keys",
        help="List, rotate, retire and remove signing keys.",
        epilog=example("limen keys list"),
    )


def list_keys(
    ctx: typer.Context,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys, oldest first.

    A key is next (published, waits), then signing, then verifying (signs no more), then
    retired (nothing that it signed is accepted).
    """
    with opened(ctx, config, database) as auth:
        records = auth.keys()
    if as_json:
        listed = [
            {
                "id": record.id,
                "algorithm": record.algorithm,
                "state": record.state.value,
                "created_at": iso(record.created_at),
                "moved_at": iso(record.moved_at),
            }
            for record in records
        ]
        emit({"keys": listed})
        return
    show_table(
        ("id", "algorithm", "state", "since", "made"),
        [
            (
                record.id,
                record.algorithm,
                record.state.value,
                moment(record.moved_at),
                moment(record.created_at),
            )
            for record in records
        ],
    )


def rotate(
    ctx: typer.Context,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Do not wait until every verifier knows the next key."),
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign with the next key from now on, and publish another.

    Tokens of the old key stay good until they expire. If a key has leaked, use
    `limen keys retire` instead.
    """
    with opened(ctx, config, database) as auth, _keys_may_refuse():
        signing = auth.rotate_keys(at_once=at_once).signing.id
    if as_json:
        emit({"signing": signing})
    else:
        say(f"{signing} signs from now on.")


def retire(
    ctx: typer.Context,
    key_id: KeyArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse everything that one key has signed, because it may have leaked.

    If it is the signing key, the next one signs from now on.
    """
    with opened(ctx, config, database) as auth, _keys_may_refuse():
        receipt = auth.revoke(Target.key(key_id))
    if as_json:
        emit({"key": key_id, **receipt_json(receipt)})
    else:
        say(f"Retired {key_id}: {receipt_text(receipt, SystemClock().now())}")


def remove(
    ctx: typer.Context,
    key_id: KeyArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Delete a retired key for good."""
    with opened(ctx, config, database) as auth, _keys_may_refuse():
        auth.remove_key(key_id)
    say(f"Removed {key_id}.")


@contextlib.contextmanager
def _keys_may_refuse() -> Iterator[None]:
    """What the keys do not allow now is a "not done", not a wrong setting."""
    try:
        yield
    except ConfigurationError as fault:
        if fault.setting != "keys":
            raise
        give_up(f"{fault.problem[0].upper()}{fault.problem[1:]} {fault.remedy}")

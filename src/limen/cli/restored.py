"""`limen restored`: what a database needs to hear when it comes from a backup."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from limen.cli.examples import example
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, opened
from limen.cli.output import emit, receipt_json, receipt_text, say
from limen.clock import SystemClock
from limen.keyring import KeyState
from limen.revocation import Target

if TYPE_CHECKING:
    from limen.blocking import BlockingLimen

# The published key goes before the one that signs, which would make it sign.
_ORDER = (KeyState.NEXT, KeyState.VERIFYING, KeyState.SIGNING)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restored", epilog=example("limen restored", "limen restored --yes --json"))(
        restored
    )


def restored(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a restored database safe: end every session in it and make new keys.

    A backup knows nothing of what came after it. Sessions that were ended and keys that were
    withdrawn would work again, so none of either survives. Passwords, roles and disabled
    accounts are those of the backup; look at what was changed since.
    """
    if not yes:
        _ask_first()
    with opened(ctx, config, database) as auth:
        keys = _new_keys(auth)
        # Last: what somebody was given meanwhile ends as well.
        receipt = auth.revoke(Target.everybody())
    if as_json:
        emit({"keys_retired": keys, **receipt_json(receipt)})
        return
    text = receipt_text(receipt, SystemClock().now())
    say(f"Keys retired: {len(keys)}. {text[0].upper()}{text[1:]}")


def _new_keys(auth: BlockingLimen) -> list[str]:
    """Withdraw every key that the backup would use, and return their ids."""
    kept = auth.keys()
    old = [record.id for state in _ORDER for record in kept if record.state is state]
    for key_id in old:
        auth.revoke(Target.key(key_id))
    return old


def _ask_first() -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("this ends every session; add --yes where nobody can be asked.")
    typer.confirm("End every session of everybody, and retire every key?", abort=True)

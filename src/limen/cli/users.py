"""`limen users`: accounts, for whoever runs the service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.examples import example
from limen.cli.faults import give_up
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, opened
from limen.cli.output import (
    emit,
    iso,
    moment,
    printable,
    receipt_json,
    receipt_text,
    say,
    show_table,
)
from limen.clock import SystemClock
from limen.verdict import Reason, Refused

if TYPE_CHECKING:
    from limen.account import Account
    from limen.blocking import BlockingLimen

MAX_LISTED = 1_000
REFUSALS = {
    Reason.MALFORMED: "that is not an e-mail address, or the name is too long.",
    Reason.EMAIL_TAKEN: "there is already an account with that address.",
    Reason.PASSWORD_TOO_SHORT: "the password is too short; LIMEN_PASSWORD_MINIMUM says how long.",
    Reason.PASSWORD_TOO_LONG: "the password is too long; LIMEN_PASSWORD_MAXIMUM says how long.",
    Reason.PASSWORD_TOO_COMMON: "the password is on the list of common ones, or is made of the "
    "address or of words of this service.",
    Reason.PASSWORD_BREACHED: "the password is known from a breach.",
}
UserArgument = Annotated[
    str, typer.Argument(metavar="EMAIL_OR_ID", help="E-mail address or id of the account.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("add", epilog=example("limen users add ada@example.org --name Ada --role admin"))(
        add
    )
    group.command("list", epilog=example("limen users list --limit 20 --json"))(list_users)
    group.command("disable", epilog=example("limen users disable ada@example.org"))(disable)
    group.command("enable", epilog=example("limen users enable ada@example.org"))(enable)
    group.command("unlock", epilog=example("limen users unlock ada@example.org"))(unlock)
    group.command("verify", epilog=example("limen users verify ada@example.org"))(verify)
    group.command(
        "delete",
        epilog=example(
            "limen users delete ada@example.org", "limen users delete ada@example.org --yes --json"
        ),
    )(delete)
    app.add_typer(
        group,
        name="users",
        help="Add, list, disable, enable, unlock, verify and delete accounts.",
        epilog=example("limen users list"),
    )


def add(
    ctx: typer.Context,
    email: Annotated[
        str, typer.Argument(metavar="EMAIL", help="The address that the account signs in with.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name to show.", show_default=False)
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE", help="A role; repeat it for several.", show_default=False),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account with a password.

    The password is asked for twice, or read from standard input; it is never an argument,
    because other users of a machine can see those.
    """
    password = _password(from_stdin=password_stdin)
    with opened(ctx, config, database) as auth:
        added = auth.add_account(email, password, name, roles=role or ())
    if isinstance(added, Refused):
        give_up(f"No account was added: {REFUSALS.get(added.reason, added.reason.value)}")
    if as_json:
        emit(_json(added))
    else:
        say(f"Added {added.email} as {added.id}.")


def list_users(
    ctx: typer.Context,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LISTED, metavar="N", help="How many to list.")
    ] = 100,
    after: Annotated[
        str, typer.Option(metavar="ID", help="List those after this id.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List accounts in the order of their ids, a page at a time."""
    with opened(ctx, config, database) as auth:
        accounts = auth.accounts(limit, after)
    following = accounts[-1].id if len(accounts) == limit else None
    if as_json:
        emit({"users": [_json(account) for account in accounts], "next": following})
        return
    show_table(
        ("id", "email", "name", "roles", "state", "added"),
        [
            (
                account.id,
                account.email,
                account.name or "-",
                ", ".join(sorted(account.roles)) or "-",
                "disabled" if account.disabled else "enabled",
                moment(account.created_at),
            )
            for account in accounts
        ],
    )
    if following:
        say(f"There may be more: limen users list --limit {limit} --after {following}")


def disable(
    ctx: typer.Context,
    user: UserArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disable an account and end its sessions.

    It cannot sign in until it is enabled again.
    """
    with opened(ctx, config, database) as auth:
        account = found(auth, user)
        receipt = auth.disable(account.id)
    if receipt is None:  # it was deleted between the two
        give_up(f"There is no account {user}.")
    if as_json:
        emit({"user": account.id, **receipt_json(receipt)})
    else:
        say(f"Disabled {account.email}: {receipt_text(receipt, SystemClock().now())}")


def enable(
    ctx: typer.Context,
    user: UserArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a disabled account sign in again; its old sessions stay ended."""
    with opened(ctx, config, database) as auth:
        account = found(auth, user)
        auth.enable(account.id)
    if as_json:
        emit({"user": account.id, "disabled": False})
    else:
        say(f"Enabled {account.email}.")


def unlock(
    ctx: typer.Context,
    user: UserArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an account be tried again whose password failed too often in a row.

    The password stays what it is; only a new one makes sure that nobody has guessed it.
    """
    with opened(ctx, config, database) as auth:
        account = found(auth, user)
        unlocked = auth.unlock(account.id)
    if unlocked is None:  # it was deleted between the two
        give_up(f"There is no account {user}.")
    if as_json:
        emit({"user": account.id, "unlocked": True})
    else:
        say(f"Unlocked {account.email}.")


def verify(
    ctx: typer.Context,
    user: UserArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark the address of an account as verified, without a letter."""
    with opened(ctx, config, database) as auth:
        account = found(auth, user)
        # Only the address that was looked up: its owner may be changing it meanwhile.
        done = auth.set_email(account.id, account.email, verified=True, replacing=account.email)
    if done is None:
        give_up(f"There is no account {user}.")
    if isinstance(done, Refused):
        give_up(f"{account.email} is no longer the address of {account.id}.")
    if as_json:
        emit(_json(done))
    else:
        say(f"Verified {done.email}.")


def delete(
    ctx: typer.Context,
    user: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete an account with all that it can sign in with, and end its sessions.

    Nothing brings it back; `limen users disable` only keeps the person out.
    """
    with opened(ctx, config, database) as auth:
        account = found(auth, user)
        if not yes:
            _ask_first(account)
        receipt = auth.delete_account(account.id)
    if receipt is None:  # somebody else was faster
        give_up(f"There is no account {user}.")
    if as_json:
        emit({"user": account.id, **receipt_json(receipt)})
    else:
        say(f"Deleted {account.email}: {receipt_text(receipt, SystemClock().now())}")


def _ask_first(account: Account) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "nothing brings an account back; add --yes if nobody can be asked."
        )
    typer.confirm(f"Delete {printable(account.email)} ({account.id}) for good?", abort=True)


def found(auth: BlockingLimen, user: str) -> Account:
    """Return an account by address or id; exits with 1 if there is none."""
    account = auth.account_by_email(user) if "@" in user else auth.account(user)
    if account is None:
        give_up(f"There is no account {user}. See `limen users list`.")
    return account


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        # One line, without its end: `printf` and `echo` then mean the same password.
        try:
            return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise typer.BadParameter("the password on standard input is not UTF-8.") from None
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is no terminal to ask for a password; pipe one in with --password-stdin."
        )
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _json(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "roles": sorted(account.roles),
        "email_verified": account.email_verified,
        "disabled": account.disabled,
        "created_at": iso(account.created_at),
    }

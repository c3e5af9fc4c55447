"""`limen sessions`: who is signed in where, and ending it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.examples import example
from limen.cli.faults import give_up
from limen.cli.opening import ConfigOption, DatabaseOption, JsonOption, opened
from limen.cli.output import emit, iso, moment, receipt_json, receipt_text, say, show_table
from limen.cli.users import UserArgument, found
from limen.clock import SystemClock
from limen.revocation import Target

if TYPE_CHECKING:
    from limen.blocking import BlockingLimen
    from limen.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list", epilog=example("limen sessions list ada@example.org"))(list_sessions)
    group.command(
        "revoke",
        epilog=example(
            "limen sessions revoke ses_3q2-7wEBAgMEBQYHCAkKCw",
            "limen sessions revoke --user ada@example.org",
            "limen sessions revoke --all",
        ),
    )(revoke)
    app.add_typer(
        group,
        name="sessions",
        help="List and end sessions.",
        epilog=example("limen sessions list ada@example.org"),
    )


def list_sessions(
    ctx: typer.Context,
    user: UserArgument,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the live sessions of one account, newest first."""
    with opened(ctx, config, database) as auth:
        listed = auth.sessions(found(auth, user).id)
    if as_json:
        emit({"sessions": [_json(session) for session in listed]})
        return
    show_table(
        ("id", "strategy", "signed in", "last used", "ends if unused", "address", "client"),
        [
            (
                session.id,
                session.strategy,
                moment(session.authenticated_at),
                moment(session.used_at),
                moment(session.ends_at),
                session.client.address or "-",
                session.client.user_agent or "-",
            )
            for session in listed
        ],
    )
    say(f"Live sessions: {len(listed)}")


def revoke(
    ctx: typer.Context,
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Id of the session to end.", show_default=False),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="EMAIL_OR_ID",
            help="End every session of this account instead.",
            show_default=False,
        ),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="End every session of everybody instead.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --all.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End one session, all sessions of one account, or all sessions there are.

    The answer says by when no copy of an ended credential works anywhere.
    """
    if sum((session is not None, user is not None, everybody)) != 1:
        raise typer.BadParameter("name one SESSION, or give --user or --all.")
    if everybody and not yes:
        _ask_first()
    with opened(ctx, config, database) as auth:
        receipt = auth.revoke(_target(auth, session, user))
    if as_json:
        emit(receipt_json(receipt))
    else:
        text = receipt_text(receipt, SystemClock().now())
        say(text[0].upper() + text[1:])


def _ask_first() -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("--all ends every session; add --yes where nobody can be asked.")
    typer.confirm("End every session of everybody?", abort=True)


def _target(auth: BlockingLimen, session: str | None, user: str | None) -> Target:
    if user is not None:
        return Target.user(found(auth, user).id)
    if session is None:
        return Target.everybody()
    if auth.session(session) is None:
        give_up(f"There is no session {session}. See `limen sessions list EMAIL_OR_ID`.")
    return Target.session(session)


def _json(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "user": session.subject,
        "strategy": session.strategy,
        "authenticated_at": iso(session.authenticated_at),
        "used_at": iso(session.used_at),
        "ends_at": iso(session.ends_at),
        "expires_at": iso(session.expires_at),
        "address": session.client.address,
        "user_agent": session.client.user_agent,
    }

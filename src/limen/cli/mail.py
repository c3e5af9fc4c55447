"""`limen mail`: whether letters leave."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Annotated, Final

import typer

from limen.account import is_email
from limen.cli.examples import example
from limen.cli.faults import give_up
from limen.cli.opening import ConfigOption, configured
from limen.cli.output import say
from limen.letter import Letter
from limen.mailers import ConsoleMailer, mailer_for

if TYPE_CHECKING:
    from limen.ports import AnyMailer
    from limen.settings import Settings

PATIENCE_S: Final = 5.0  # of the doctor, for each step of the conversation
_TRIAL: Final = "test"
_SUBJECT: Final = "A letter from Limen"
_TEXT: Final = "This letter was sent by `limen mail test`. Nothing has to be done.\n"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("test", epilog=example("limen mail test you@example.org"))(send_one)
    # With one command only, typer would take its name away.
    group.callback()(lambda: None)
    app.add_typer(
        group,
        name="mail",
        help="Send a letter to see whether letters arrive.",
        epilog=example("limen mail test you@example.org"),
    )


def send_one(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets the letter.")],
    config: ConfigOption = None,
) -> None:
    """Send one letter through the mail server in LIMEN_SMTP, and wait for its answer.

    Look whether it arrives, and where: a server may take a letter and nobody find it.
    """
    if not is_email(address):
        raise typer.BadParameter("that is not an e-mail address.")
    mailer = mailer_for(configured(ctx, config, None).settings())
    fault = _fault_in_sending(mailer, Letter(address, _TRIAL, _SUBJECT, _TEXT))
    if fault is not None:
        give_up(f"The letter was not sent: {fault}. See `limen doctor`.")
    if isinstance(mailer, ConsoleMailer):
        give_up("No mail server is set, so the letter went nowhere. Set LIMEN_SMTP.")
    say(f"The mail server took the letter to {address}.")


def fault_of(settings: Settings) -> str | None:
    """Connect to the mail server as far as one can without a letter; say what went wrong.

    Raises `ConfigurationError` for settings that cannot be used.
    """
    from limen.mailers.smtp import SmtpMailer  # noqa: PLC0415 - few have the client

    assert settings.smtp is not None  # noqa: S101 - for the type checker: it is asked before
    mailer = SmtpMailer(settings.smtp, settings.mail_from, timeout=PATIENCE_S)
    try:
        asyncio.run(mailer.check())
    except Exception as fault:  # noqa: BLE001 - each library and system has its own
        return mailer.trouble(fault)
    return None


def _fault_in_sending(mailer: AnyMailer, letter: Letter) -> str | None:
    try:
        if inspect.iscoroutinefunction(mailer.send):
            asyncio.run(mailer.send(letter))
        else:
            mailer.send(letter)
    except Exception as fault:  # noqa: BLE001 - as above
        from limen.mailers.smtp import SmtpMailer  # noqa: PLC0415 - as above

        return mailer.trouble(fault) if isinstance(mailer, SmtpMailer) else type(fault).__name__
    return None

"""What sends letters: the console in development, a mail server, or an object of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.errors import ConfigurationError
from limen.mailers.console import ConsoleMailer as ConsoleMailer
from limen.mailers.post import BlockingPost as BlockingPost
from limen.mailers.post import Post as Post

if TYPE_CHECKING:
    from limen.ports import AnyMailer
    from limen.settings import Settings


def mailer_for(settings: Settings) -> AnyMailer:
    """Return the mailer that the settings describe; raises `ConfigurationError`.

    Nothing is connected. With neither `mailer` nor `smtp` letters are printed, but not where
    the service is public: what a log keeps must not open an account.
    """
    if settings.mailer is not None:
        if not callable(getattr(settings.mailer, "send", None)):
            raise ConfigurationError(
                "mailer",
                f"{type(settings.mailer).__name__} has no method `send`.",
                "Give an object with `send(letter)`, awaited or not.",
            )
        return settings.mailer
    if settings.smtp is not None:
        # Imported here because few need it; the extra `mail` installs what it uses.
        from limen.mailers.smtp import SmtpMailer  # noqa: PLC0415

        return SmtpMailer(settings.smtp, settings.mail_from)
    public = settings.base_url is not None and settings.base_url.lower().startswith("https://")
    return ConsoleMailer(shows=not public)

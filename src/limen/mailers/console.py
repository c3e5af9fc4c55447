"""Letters on the console: for development, where nobody has to run a mail server."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.letter import Letter

_log = logging.getLogger("limen.mail")


class ConsoleMailer:
    """Writes letters to standard error instead of sending them.

    With `shows=False` only that there was one: a link that works must not stand in a log.
    """

    def __init__(self, *, shows: bool = True) -> None:
        self._shows = shows

    def send(self, letter: Letter) -> None:
        """Write one letter."""
        if not self._shows:
            _log.warning(
                "a letter (%s) was not sent, for no mailer is set; set LIMEN_SMTP or `mailer`",
                letter.purpose,
            )
            return
        rule = "-" * 72
        sys.stderr.write(
            f"{rule}\nNot mailed, only shown ({letter.purpose})\nTo: {letter.to}\n"
            f"Subject: {letter.subject}\n\n{letter.text}\n{rule}\n"
        )
        sys.stderr.flush()

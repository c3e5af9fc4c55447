"""A real mail server that keeps what it is given, on a free port of this machine."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller

PATIENCE_S = 30
_LINK = re.compile(r"https?://\S+")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Sink:
    """Takes letters until it is closed; `refuse` is what it answers instead, for some time."""

    def __init__(self, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.envelopes: list[Any] = []
        self.sessions: list[Any] = []
        self.refuse: list[str] = []
        self._arrived = threading.Condition()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=free_port(), ssl_context=tls, **options
        )
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse.pop(0)
        with self._arrived:
            self.sessions.append(session)
            self.envelopes.append(envelope)
            self._arrived.notify_all()
        return "250 kept"

    def letters(self, to: str) -> list[EmailMessage]:
        """Return the letters to one address, as their readers see them."""
        kept = [one for one in self.envelopes if one.rcpt_tos == [to]]
        return [message_from_bytes(one.original_content, policy=default) for one in kept]  # type: ignore[arg-type]  # typeshed

    def subjects(self, to: str) -> list[str]:
        return [str(one["Subject"]) for one in self.letters(to)]

    def wait(self, to: str, subject: str, count: int = 1) -> EmailMessage:
        """Wait for a letter to an address, the `count`th with this subject."""

        def found() -> list[EmailMessage]:
            return [one for one in self.letters(to) if one["Subject"] == subject]

        with self._arrived:
            assert self._arrived.wait_for(lambda: len(found()) >= count, PATIENCE_S), (
                f"no {subject!r} for {to}; there are {[one.rcpt_tos for one in self.envelopes]}"
            )
            return found()[count - 1]

    def link(self, to: str, subject: str, count: int = 1) -> str:
        """Wait for a letter and return the link in it."""
        return link_in(self.wait(to, subject, count))


def link_in(letter: EmailMessage) -> str:
    """Return the only link in a letter."""
    body = letter.get_body(("plain",))
    assert body is not None
    (link,) = _LINK.findall(body.get_content())
    return str(link)

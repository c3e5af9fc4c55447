"""Letters to a mail server (RFC 5321), encrypted unless it is this very machine."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import formatdate, make_msgid, parseaddr
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from limen.account import is_email
from limen.errors import ConfigurationError, LetterRejected

if TYPE_CHECKING:
    from limen.letter import Letter

TIMEOUT_S: Final = 10.0  # of each step of a conversation with the server
_PERMANENT: Final = 500  # RFC 5321 section 4.2.1: 5yz will not change by trying again
_NOT_PRINTED: Final = frozenset(map(chr, (*range(32), 127)))
_EXAMPLE: Final = "Write it as smtp://user:password@mail.example:587, or smtps:// for port 465."


@unique
class Tls(StrEnum):
    """How a connection is encrypted."""

    IMPLICIT = "implicit"  # from its first octet (RFC 8314 section 3.3)
    STARTTLS = "starttls"  # before anything else is said (RFC 3207), or not at all
    NONE = "none"


_PORTS: Final = {Tls.IMPLICIT: 465, Tls.STARTTLS: 587, Tls.NONE: 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed over."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def mail_server(url: str) -> MailServer:
    """Read `smtp://` or `smtps://`; raises `ConfigurationError`, which shows none of it.

    `smtps` is TLS from the first octet, `smtp` asks for STARTTLS and goes on only with it.
    To this machine nothing is encrypted. `?tls=implicit`, `starttls` or `none` say otherwise.
    """
    try:
        parts = urlsplit(url)
        port, query = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _not_usable("is not a URL.") from None
    host = parts.hostname
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path not in ("", "/"):
        raise _not_usable("is not the URL of a mail server.")
    if query.keys() - {"tls"} or query.get("tls", "none") not in set(Tls) or parts.fragment:
        raise _not_usable("has an option that is not known.")
    preset = Tls.IMPLICIT if parts.scheme == "smtps" else Tls.STARTTLS
    if parts.scheme == "smtp" and _is_this_machine(host):
        preset = Tls.NONE
    tls = Tls(query.get("tls", preset))
    user, password = (None if one is None else unquote(one) for one in _userinfo(parts))
    if (user is None) is not (password is None):
        raise _not_usable("has a user or a password without the other.")
    return MailServer(host, _PORTS[tls] if port is None else port, tls, user, password)


def _userinfo(parts: Any) -> tuple[str | None, str | None]:
    return parts.username, parts.password


def _not_usable(problem: str) -> ConfigurationError:
    return ConfigurationError("smtp", problem, _EXAMPLE)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def sender_of(text: str | None) -> tuple[str, str]:
    """Return the name and the address in whose name letters go out; `ConfigurationError`."""
    name, address = parseaddr(text or "")
    if not is_email(address) or set(text or "") & _NOT_PRINTED:
        raise ConfigurationError(
            "mail_from",
            "is no e-mail address.",
            'Write it as no-reply@app.example, or as "My App <no-reply@app.example>".',
        )
    return name, address


class SmtpMailer:
    """Hands letters to a mail server, each over a connection of its own."""

    def __init__(self, url: str, sender: str | None, *, timeout: float = TIMEOUT_S) -> None:
        """Read the settings; raises `ConfigurationError`. `timeout` is in seconds."""
        self.server = mail_server(url)
        self._name, self._address = sender_of(sender)
        self._timeout = timeout
        _client()

    async def send(self, letter: Letter) -> None:
        """Send one letter; raises `LetterRejected` if the server will never take it."""
        smtp = _client()
        message = self.message_of(letter)
        try:
            async with self._connection() as connection:
                await connection.send_message(message, sender=self._address, recipients=[letter.to])
        except smtp.SMTPRecipientsRefused as refused:
            if all(one.code >= _PERMANENT for one in refused.recipients):
                raise LetterRejected("the mail server does not know the address") from None
            raise
        except smtp.SMTPResponseException as refused:
            if refused.code >= _PERMANENT and not isinstance(refused, smtp.SMTPConnectError):
                raise LetterRejected(f"the mail server said {refused.code}") from None
            raise

    async def check(self) -> None:
        """Go as far as one can without a letter: connect, encrypt and sign in."""
        async with self._connection() as connection:
            await connection.noop()

    def trouble(self, fault: Exception) -> str:
        """Say in a few words what kept the server from being reached, or the type of the fault."""
        place, cause = f"{self.server.host}:{self.server.port}", fault.__cause__ or fault
        match cause:
            case socket.gaierror():
                return f"nobody knows the name of {place}"
            case ConnectionRefusedError():
                return f"{place} refuses the connection"
            case TimeoutError():
                return f"{place} does not answer"
            case _:
                return f"{type(fault).__name__} at {place}"

    def message_of(self, letter: Letter) -> EmailMessage:
        """Return the e-mail. A header cannot be smuggled in: what is no plain text is refused."""
        if not is_email(letter.to) or set(letter.subject) & _NOT_PRINTED:
            raise LetterRejected("the letter has no plain address or subject")
        message = EmailMessage(policy=MAIL_POLICY)
        message["From"] = Address(self._name, addr_spec=self._address)
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
        message.set_content(letter.text)
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html")
        return message

    @property
    def _domain(self) -> str:
        return self._address.rpartition("@")[2]

    def _connection(self) -> Any:
        server = self.server
        return _client().SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=server.tls is Tls.STARTTLS,
            # Without it the library asks the name service, and everything waits.
            local_hostname=self._domain,
            timeout=self._timeout,
        )


def _client() -> Any:
    """Return the library; raises `ConfigurationError` where it is not installed."""
    try:
        import aiosmtplib  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError(
            "smtp", "needs a package that is not installed.", "Install limen[mail]."
        ) from None
    return aiosmtplib

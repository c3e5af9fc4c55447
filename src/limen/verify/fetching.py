"""One HTTP exchange whose every limit has a number, by the standard library alone.

No redirect is followed, no proxy of the environment is used and nothing is decompressed: each
of them would let somebody else choose what is read.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

from limen.errors import ConfigurationError, LimenError
from limen.transports.origin import is_loopback

_HEADER_OCTETS: Final = 16_384  # of the status line and all headers together
_PORTS: Final = {"http": 80, "https": 443}


class FetchFailed(LimenError):
    """Nothing usable was answered. The text may be logged: it quotes nothing that was received."""


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered; header names are in lower case, and each line stands for itself."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header of a name, the empty text if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def lines(self, name: str) -> list[str]:
        """Return every header of a name, in order."""
        return [value for key, value in self.headers if key == name]


def checked_url(url: str, setting: str) -> str:
    """Return a URL that may be asked; raises `ConfigurationError`.

    Only https, or plain http to this machine: whoever can change what is answered on the way
    chooses which signatures are believed.
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_valid = SplitResult("", "", "", "", ""), False
    plain = bool(url) and url.isascii() and url.isprintable() and " " not in url
    if not (plain and port_is_valid and parts.hostname and parts.scheme in _PORTS):
        raise ConfigurationError(
            setting, "is not a URL.", "Write it as https://app.example/api/auth/jwks."
        )
    if "@" in parts.netloc or parts.fragment:
        raise ConfigurationError(
            setting, "has a user name or a fragment in it.", "Give the address alone."
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigurationError(
            setting,
            "is plain http on another machine, where anybody on the way could change the answer.",
            "Use https.",
        )
    return url


def exchange(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    octets: int,
    seconds: float,
    tls: ssl.SSLContext | None = None,
) -> Response:
    """Ask once; raises `FetchFailed`.

    `octets` is the most that a body may have. `seconds` is for everything together but the
    look-up of the name, which the system limits; a server that drips is cut off as well.
    """
    parts = urlsplit(url)
    deadline = monotonic() + seconds
    try:
        with _connected(parts, deadline, tls) as line:
            return _asked(parts, line, deadline, (method, headers or {}, body), octets)
    except FetchFailed:
        raise
    except (OSError, HTTPException, ValueError) as error:
        why = f"{type(error).__name__}{_why(error)}"
    raise FetchFailed(f"there was no usable answer ({why})")


def _why(error: BaseException) -> str:
    """Return what the system says of a connection; what a peer sent is never quoted."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f": {error.verify_message}"
    return f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""


def _connected(parts: SplitResult, deadline: float, tls: ssl.SSLContext | None) -> socket.socket:
    host, port = cast("str", parts.hostname), parts.port or _PORTS[parts.scheme]
    line = socket.create_connection((host, port), timeout=_left(deadline))
    if parts.scheme == "http":
        return line
    try:
        line.settimeout(_left(deadline))
        context = tls or ssl.create_default_context()
        return context.wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise


def _asked(
    parts: SplitResult,
    line: socket.socket,
    deadline: float,
    question: tuple[str, Mapping[str, str], bytes | None],
    octets: int,
) -> Response:
    method, headers, body = question
    connection = HTTPConnection(cast("str", parts.hostname), parts.port)
    connection.sock = cast("socket.socket", _Bounded(line, deadline, octets + _HEADER_OCTETS))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # The host as the URL has it: behind a proxy it chooses the service.
    sent = {"Host": parts.netloc, "Accept-Encoding": "identity", "Connection": "close", **headers}
    line.settimeout(_left(deadline))
    connection.request(method, target, body=body, headers=sent)
    with connection.getresponse() as response:
        content = response.read(octets + 1)
        if len(content) > octets:
            raise _too_large(octets)
        answered = tuple((name.lower(), value) for name, value in response.getheaders())
        return Response(response.status, answered, content)


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _too_large(octets: int) -> FetchFailed:
    return FetchFailed(f"the answer has more than {octets} octets")


class _Bounded:
    """A connection as `http.client` uses it, read under one deadline and up to one size."""

    def __init__(self, line: socket.socket, deadline: float, most: int) -> None:
        self._line = line
        self._deadline = deadline
        self._most = most

    def sendall(self, octets: bytes) -> None:
        self._line.settimeout(_left(self._deadline))
        self._line.sendall(octets)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._line, self._deadline, self._most))

    def close(self) -> None:
        """Do nothing: `http.client` closes before it reads, and whoever connected closes too."""


class _BoundedReader(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: float, most: int) -> None:
        self._line = line
        self._deadline = deadline
        self._most = self._room = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Before each read, or a server that sends an octet now and then would never end.
        self._line.settimeout(_left(self._deadline))
        count = self._line.recv_into(buffer)
        self._room -= count
        if self._room < 0:
            raise _too_large(self._most - _HEADER_OCTETS)
        return count

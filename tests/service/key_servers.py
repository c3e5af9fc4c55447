"""Servers that publish a key set, honest and hostile ones, and count who asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Answering = Callable[[socket.socket], None]


@dataclass
class KeyServer:
    """Answers each connection with raw octets, or by a function that may do worse."""

    answer: bytes | Answering
    asked: list[str] = field(default_factory=list)
    open: bool = True
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/jwks"


def document(body: bytes | str, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Return a whole HTTP answer."""
    octets = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(octets)}\r\n\r\n"
    return head.encode() + octets


def dripping(octets: bytes, pause_s: float) -> Answering:
    """Send one octet at a time, for ever if that is how long it takes."""

    def answer(line: socket.socket) -> None:
        for one in octets:
            line.sendall(bytes([one]))
            time.sleep(pause_s)

    return answer


def endless(line: socket.socket) -> None:
    """Send a body that does not end."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        line.sendall(b" " * 65_536)


@contextlib.contextmanager
def key_server(answer: bytes | Answering, tls: ssl.SSLContext | None = None) -> Iterator[KeyServer]:
    """Run a server on a free port; `answer` may be exchanged while it runs."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = KeyServer(answer, port=listening.getsockname()[1])
    server.scheme = "http" if tls is None else "https"

    def serve_one(line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            talking = line if tls is None else tls.wrap_socket(line, server_side=True)
            with talking:
                asked = talking.recv(65_536).decode("latin-1")
                server.asked.append(asked.partition("\r\n")[0])
                if isinstance(server.answer, bytes):
                    talking.sendall(server.answer)
                else:
                    server.answer(talking)

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=(line,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)

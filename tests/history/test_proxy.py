"""The proxy does to connections what its verbs say."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest
from proxy import Proxy

QUIET_S = 0.2  # long enough to see that nothing comes
PATIENCE_S = 30


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while said := self.request.recv(1024):
            self.request.sendall(said.upper())


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with Proxy(server.server_address[1], marks=(b"listen",)) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


@pytest.fixture
def connected(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as connection:
        assert said(connection, b"hello") == b"HELLO"
        yield connection


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S)


def said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(1024)


def is_broken(connection: socket.socket) -> bool:
    try:
        return said(connection, b"still there?") == b""
    except OSError:
        return True


def is_silent(connection: socket.socket, text: bytes) -> bool:
    connection.settimeout(QUIET_S)
    try:
        said(connection, text)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE_S)
    return False


def test_it_forwards_both_ways(connected: socket.socket) -> None:
    assert said(connected, b"again") == b"AGAIN"


def test_cut_breaks_open_connections_and_new_ones_until_restored(proxy, connected) -> None:
    assert proxy.cut() == 1
    assert is_broken(connected)
    with connect(proxy) as late:
        assert is_broken(late)
    proxy.restore()
    with connect(proxy) as later:
        assert said(later, b"hello") == b"HELLO"


def test_stall_keeps_what_is_sent_until_restored(proxy, connected) -> None:
    assert proxy.stall() == 1
    assert is_silent(connected, b"one")
    with connect(proxy) as late:
        assert is_silent(late, b"two")
        proxy.restore()
        assert connected.recv(1024) == b"ONE"
        assert late.recv(1024) == b"TWO"


def test_only_the_connections_that_said_the_mark_are_met(proxy, connected) -> None:
    with connect(proxy) as listening:
        assert said(listening, b"listen x") == b"LISTEN X"
        assert (proxy.count(), proxy.count(only=b"listen")) == (2, 1)
        assert proxy.stall(only=b"listen") == 1
        assert is_silent(listening, b"one")
        assert said(connected, b"two") == b"TWO"
        proxy.restore()
        assert listening.recv(1024) == b"ONE"
        assert proxy.cut(only=b"listen") == 1
        assert is_broken(listening)
        assert said(connected, b"three") == b"THREE"


def test_who_says_the_mark_while_it_is_cut_is_met_then(proxy) -> None:
    with connect(proxy) as connection:
        assert said(connection, b"hello") == b"HELLO"
        assert proxy.cut(only=b"listen") == 0
        assert said(connection, b"hello") == b"HELLO"
        connection.sendall(b"listen x")
        assert connection.recv(1024) == b""


def test_delay_is_how_much_later_things_arrive(proxy, connected) -> None:
    proxy.delay(QUIET_S)
    began = time.monotonic()
    assert said(connected, b"late") == b"LATE"
    assert time.monotonic() - began >= 2 * QUIET_S
    proxy.delay(0)
    assert said(connected, b"soon") == b"SOON"


def test_a_server_that_is_gone_breaks_the_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = free.getsockname()[1]
    with Proxy(nobody) as proxy, connect(proxy) as connection:
        assert is_broken(connection)


def test_another_server_answers_from_now_on(proxy: Proxy, connected: socket.socket) -> None:
    class Backwards(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(self.request.recv(1024)[::-1])

    with socketserver.TCPServer(("127.0.0.1", 0), Backwards) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        proxy.forward_to(other.server_address[1])
        assert is_broken(connected)
        with connect(proxy) as connection:
            assert said(connection, b"hello") == b"olleh"
        thread.join()

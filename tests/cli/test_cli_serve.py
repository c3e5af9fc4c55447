"""`limen serve` and `limen lab`: real servers on a free port."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from terminal import EMAIL, LIMEN, PASSWORD, PATIENCE_S, SECRET, Terminal

from limen.cli.serve import bound


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(terminal: Terminal, *words: str) -> Iterator[str]:
    """Run a server until the block ends; give its address once it answers."""
    port = free_port()
    log = (terminal.home / "log").open("wb")
    server = subprocess.Popen(
        [LIMEN, *words, "--port", str(port)],
        cwd=terminal.home,
        env=terminal.env,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(server, port, terminal)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE_S)
        log.close()
    said = (terminal.home / "log").read_text()
    assert "Traceback" not in said
    assert PASSWORD not in said
    assert SECRET not in said


def wait_for(server: subprocess.Popen[bytes], port: int, terminal: Terminal) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError((terminal.home / "log").read_text())
        time.sleep(0.05)


def call(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Ask as a client that is no browser would."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, None


@pytest.mark.parametrize("extra", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_the_service_answers_and_signs_in(ready: Terminal, extra: tuple[str, ...]) -> None:
    url = ready.env.pop("LIMEN_DATABASE")  # what the option says must reach every worker
    with running(ready, "serve", "--database", url, *extra) as address:
        assert call(f"{address}/api/auth/ok") == (200, {"ok": True})
        credentials = {"email": EMAIL, "password": PASSWORD}
        status, answer = call(f"{address}/api/auth/sign-in/email", credentials)
        assert status == 200
        assert answer["user"]["email"] == EMAIL
    ready.env["LIMEN_DATABASE"] = url
    assert len(ready.json("sessions", "list", EMAIL)["sessions"]) == 1


def test_it_says_what_it_serves(ready: Terminal) -> None:
    with running(ready, "serve", "--strategy", "session"):
        pass
    said = (ready.home / "log").read_text()
    assert "Serving strategy 'session' under http://127.0.0.1:" in said
    assert "next-auth" not in said


def test_it_says_that_it_serves_the_client_of_next_auth(ready: Terminal) -> None:
    ready.env["LIMEN_AUTHJS_VERSION"] = "5"
    with running(ready, "serve") as address:
        assert call(f"{address}/api/authjs/csrf")[0] == 200
    said = (ready.home / "log").read_text()
    assert f"Serving the client of next-auth 5 under {address}/api/authjs." in said


def test_a_port_that_is_taken_is_a_failure(ready: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = ready.run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    assert "--port" in done.stderr
    assert done.stdout == ""  # nothing was announced


def test_what_is_accepted_sends_at_once() -> None:
    """However many workers there are: else each answer on a kept connection waits for an ACK."""
    with bound("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()) as client:
            accepted, _ = listening.accept()
            with accepted, client:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_an_ipv6_address_takes_ipv6_alone() -> None:
    with bound("::", 0) as listening:  # bound and not listening: nobody can connect
        assert listening.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_reload_and_workers_exclude_each_other(ready: Terminal) -> None:
    assert ready.run("serve", "--reload", "--workers", "2").returncode == 2


def test_the_lab_prints_an_address_that_admits_one_browser(terminal: Terminal) -> None:
    with running(terminal, "lab") as address:
        (launch,) = re.findall(r"Open (\S+)", (terminal.home / "log").read_text())
        assert launch.startswith(address)
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(launch, timeout=PATIENCE_S) as answer:
            assert answer.status == 200
            assert "text/html" in answer.headers["content-type"]
        assert call(launch)[0] == 403


def test_the_lab_can_listen_nowhere_but_on_this_machine(terminal: Terminal) -> None:
    assert terminal.run("lab", "--host", "0.0.0.0").returncode == 2

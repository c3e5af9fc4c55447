"""The service behind a real server on a free port, over a real database file."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from limen import Budget, Limen
from limen.passwords import CHEAPEST
from limen.service.app import create_app

R = TypeVar("R")
SECRET = "k3yHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
EMAIL, PASSWORD, NAME = "ada@example.org", "correct horse battery", "Ada"
STRATEGIES = ("session", "hybrid", "jwt")
SIGNED = ("hybrid", "jwt")
PLENTY = Budget("sign-in:address", limit=0, window=1)
START_SECONDS = 20


@dataclass
class Live:
    """A running service."""

    url: str
    auth: Limen
    database: Path
    loop: asyncio.AbstractEventLoop
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def api(self) -> str:
        return self.url + "/api/auth"

    def run(self, work: Awaitable[R]) -> R:
        """Run something of `Limen` in the server's own loop."""

        async def awaited() -> R:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(10)

    def client(self, *, origin: bool = True, **headers: str) -> httpx.Client:
        """Give a client with a cookie jar of its own that names its origin as a browser does."""
        if origin:
            headers["Origin"] = self.url
        # Plain http: no certificates are read for each of hundreds of clients.
        made = httpx.Client(base_url=self.api, headers=headers, timeout=20, verify=False)
        self.clients.append(made)
        return made

    def copy_of(self, browser: httpx.Client) -> httpx.Client:
        """Give a client with the same cookies: another tab, or a thief."""
        copy = self.client()
        for name, value in dict(browser.cookies).items():
            copy.cookies.set(name, value, domain="127.0.0.1", path="/")
        return copy

    def browser(self, email: str = EMAIL, **extra: Any) -> httpx.Client:
        """Give a client that has signed up."""
        client = self.client()
        answer = client.post(
            "/sign-up/email", json={"name": NAME, "email": email, "password": PASSWORD, **extra}
        )
        assert answer.status_code == 200, answer.text
        return client

    def app(self, email: str = EMAIL) -> tuple[httpx.Client, dict[str, Any]]:
        """Give a client that has signed up and keeps its credentials itself."""
        client = self.client(origin=False, **{"x-limen-carrier": "bearer"})
        answer = client.post(
            "/sign-up/email", json={"name": NAME, "email": email, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        kept = answer.json()
        del client.headers["x-limen-carrier"]
        client.headers["Authorization"] = f"Bearer {kept['token']}"
        return client, kept


def bound() -> socket.socket:
    """Return a socket at a free port of this machine.

    It sends at once: what is accepted on it inherits that, and an event loop sees to it by itself
    only for sockets that it has made. Without it each answer with a body waits 40 ms for an ACK.
    """
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", 0))
    return listener


def url_at(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def served(
    app: Any, listener: socket.socket | None = None, **options: Any
) -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """Serve an ASGI application in a thread; give its URL and its event loop.

    `options` are further ones of uvicorn's.
    """
    listener = listener or bound()
    config = uvicorn.Config(
        app, lifespan="on", log_config=None, timeout_graceful_shutdown=5, **options
    )
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="live-service")
    thread.start()
    try:
        until = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the service did not start")
            time.sleep(0.01)
        yield url_at(listener), loops[0]
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


@contextlib.contextmanager
def serve(
    template: Path,
    home: Path,
    strategy: str,
    *,
    build: Callable[[Limen], Any] = create_app,
    server: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[Live]:
    """Run the service over its own copy of a migrated database; `server` is for uvicorn."""
    database = home / "live.db"
    shutil.copy(template, database)
    options.setdefault("database", f"sqlite+aiosqlite:///{database}")
    options.setdefault("argon2", CHEAPEST)
    options.setdefault("address_budget", PLENTY)
    options.setdefault("account_budget", PLENTY)
    listener = bound()
    if {"smtp", "mailer"} & options.keys():  # the links in letters lead to a known address
        options.setdefault("base_url", url_at(listener))
    auth = Limen(strategy, secret=SECRET, **options)  # type: ignore[arg-type]  # a name from a list
    with served(build(auth), listener, **(server or {})) as (url, loop):
        live = Live(url, auth, database, loop)
        try:
            yield live
        finally:
            for client in live.clients:
                client.close()

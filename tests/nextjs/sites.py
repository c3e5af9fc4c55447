"""A Next.js example as it is deployed: `next start`, a real API behind it, and browsers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from builds import EXAMPLES, NEXT, Build, environment
from nodes import NPM, node
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from proxy import Proxy

SECRET: Final = "n3xtHfdjw9Qe-27ncAKp0xzLmVbTtRuYiOq"
STRATEGIES: Final = ("session", "hybrid", "jwt")
START_SECONDS: Final = 60
PATIENCE_MS: Final = 30_000  # a busy machine is no fault
# Nothing answers there; tests say what does.
NOWHERE: Final = 9


@dataclass
class Api:
    """A running API of the examples."""

    port: int
    database: Path


@dataclass
class Site:
    """A running application; `relay` stands where it expects the API."""

    url: str
    relay: Proxy
    place: Path
    template: Path
    browser: Browser
    stack: contextlib.ExitStack
    apis: dict[tuple[object, ...], Api] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)

    def use(self, strategy: str, **variables: str) -> Api:
        """Let the API answer under a strategy; each is started once, over one database."""
        asked = (strategy, *sorted(variables.items()))
        if asked not in self.apis:
            self.apis[asked] = self._start({"LIMEN_STRATEGY": strategy, **variables})
        self.relay.restore()
        self.relay.forward_to(self.apis[asked].port)
        return self.apis[asked]

    def _start(self, chosen: dict[str, str]) -> Api:
        database = self.place / "site.db"
        if not database.exists():
            shutil.copy(self.template, database)
        api = Api(free_port(), database)
        variables = {
            "LIMEN_SECRET": SECRET,
            "LIMEN_DATABASE": f"sqlite+aiosqlite:///{database}",
            "LIMEN_BASE_URL": self.url,
            **chosen,
        }
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES / "nextjs" / "api")]
        command += ["main:app", "--port", str(api.port), "--no-access-log"]
        log, answers = self.place / f"api-{len(self.apis)}.log", f"http://127.0.0.1:{api.port}/"
        self.stack.enter_context(running(command, log, answers, os.environ | variables))
        return api

    def device(self, **settings: Any) -> Device:
        """Give one more browser with a cookie jar of its own."""
        opened = Device(self, self.browser.new_context(base_url=self.url, **settings))
        self.devices.append(opened)
        return opened

    def close_devices(self) -> list[str]:
        """Close the browsers of a test; return what their pages complained of."""
        complaints = [one for device in self.devices for one in device.complaints]
        for device in self.devices:
            device.context.close()
        self.devices.clear()
        return complaints


class Device:
    """One browser profile, listening to everything that its page does."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site = site
        self.context = context
        self.complaints: list[str] = []
        self.origins = [site.url]  # that its pages may ask
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._watch)

    def _hear(self, message: ConsoleMessage) -> None:
        # What Chromium itself writes about an answer that refuses is no complaint of the page.
        refusal = message.text.startswith("Failed to load resource: the server responded with")
        if message.type in ("error", "warning") and not refusal:
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith(tuple(f"{origin}/" for origin in self.origins)):
            self.complaints.append(f"asked another origin: {request.url}")

    def cookies(self) -> dict[str, str]:
        """Return the cookies that this browser holds, but for the one of a known device."""
        held = self.context.cookies()
        return {one["name"]: one["value"] for one in held if not one["name"].endswith(".device")}


@contextlib.contextmanager
def identity_provider() -> Iterator[str]:
    """Run the OpenID provider of the tests; give its issuer."""
    command = [node(), "provider.mjs", "{}"]
    with subprocess.Popen(
        command, cwd=NPM, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["issuer"])
        process.terminate()


def registered(issuer: str) -> dict[str, str]:
    """Return what the API is told of that provider."""
    client = {"OIDC_CLIENT_ID": "limen", "OIDC_CLIENT_SECRET": "secret-of-limen"}
    return {"OIDC_ISSUER": issuer, **client}


@contextlib.contextmanager
def served(build: Build, place: Path, template: Path, browser: Browser) -> Iterator[Site]:
    """Serve a build on a free port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [node(), str(NEXT), "start", "--hostname", "127.0.0.1", "--port", str(port)]
    variables = environment(LIMEN_API=build.api_url, LIMEN_BASE_URL=url)
    with contextlib.ExitStack() as stack:
        relay = stack.enter_context(Proxy(NOWHERE, at=build.api))
        stack.enter_context(
            running(command, place / "next.log", f"{url}/sign-in", variables, cwd=build.place)
        )
        yield Site(url, relay, place, template, browser, stack)


@contextlib.contextmanager
def running(
    command: list[str], log: Path, answers: str, variables: dict[str, str], cwd: Path | None = None
) -> Iterator[None]:
    """Run a server until the end of the block; it runs when `answers` is answered."""
    with log.open("wb") as written:
        server = subprocess.Popen(command, env=variables, cwd=cwd, stdout=written, stderr=written)
    try:
        until = time.monotonic() + START_SECONDS
        while not _is_answered(answers):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _is_answered(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A real browser before the real example application, run as `make run` runs it."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from devices import PATIENCE_MS, Device, OpenDevice
from playwright.sync_api import Browser, expect, sync_playwright

from limen.stores.sql import migrate

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app"
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_SWITCHES = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the origin of an example application with a database of its own."""
    place = tmp_path_factory.mktemp("demo")
    database = f"sqlite+aiosqlite:///{place}/demo.db"
    migrate(database)
    environment = os.environ | {
        "LIMEN_SECRET": secrets.token_urlsafe(32),
        "LIMEN_DATABASE": database,
    }
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLE), "main:app"]
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(address, server, place / "log")
        yield address
    finally:
        server.terminate()
        server.wait(START_SECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    if not CHROMIUM.exists():
        pytest.fail(
            f"{CHROMIUM} is missing, and tests in the browser are never skipped: "
            "`make test` installs it."
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=False, args=CHROMIUM_SWITCHES
        )
        yield started
        started.close()


@pytest.fixture
def device(browser: Browser, origin: str) -> Iterator[OpenDevice]:
    """Give a function that opens the page as one more device.

    At the end no page may have written an error or a warning to its console, which is where
    violations of the content security policy appear, or have asked another origin.
    """
    opened: list[Device] = []

    def open_device(strategy: str = "session", width: int = 1280) -> Device:
        opened.append(Device(browser, origin, strategy, width))
        expect(opened[-1].page.locator("#sign-up")).to_be_visible()
        return opened[-1]

    expect.set_options(timeout=PATIENCE_MS)
    yield open_device
    for one in opened:
        one.context.close()
    assert [complaint for one in opened for complaint in one.complaints] == []


@pytest.fixture
def email() -> str:
    """Give an address that nobody has used yet."""
    return f"ada.{next(_numbers)}@example.org"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address).close()
        except urllib.error.URLError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return

"""One Chromium for which every name of the tests is this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from certificates import certificate
from places import CHROMIUM, SWITCHES, Tls, Visit, World
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from limen.stores.sql import migrate


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Give a certificate for the names of the tests."""
    names = ("app.example", "api.example", "api.other", "localhost", "127.0.0.1")
    return Tls(*certificate(tmp_path_factory.mktemp("tls"), *names))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, headless=False, args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    """Give what starts pages, services and proxies for one test."""
    with contextlib.ExitStack() as stack:
        yield World(template, tmp_path, stack)


@pytest.fixture
def visit(browser: Browser, world: World) -> Iterator[Callable[[str, str], Visit]]:
    """Give a function that opens a page which asks a service, until the world ends."""
    del world  # which stands until the browser has left
    opened: list[BrowserContext] = []

    def open_page(page: str, api: str) -> Visit:
        context = browser.new_context(ignore_https_errors=True)
        opened.append(context)
        visited = context.new_page()
        visited.goto(page)
        return Visit(visited, api)

    yield open_page
    for context in opened:
        context.close()

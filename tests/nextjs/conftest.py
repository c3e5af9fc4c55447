"""The Next.js examples: built once, served by `next start`, driven in Chromium."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builds import built
from playwright.sync_api import Browser, expect, sync_playwright
from sites import PATIENCE_MS, Site, identity_provider, served

from limen.stores.sql import migrate

CHROMIUM = "/usr/bin/chromium"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_numbers = itertools.count(1)

Serve = Callable[[str], Site]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "limen.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture(scope="module")
def running_site(
    request: pytest.FixtureRequest,
    browser: Browser,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Give the example that the module names, built and served."""
    example: str = request.module.EXAMPLE
    with (
        built(example) as build,
        served(build, tmp_path_factory.mktemp(example), template, browser) as site,
    ):
        yield site


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """Give the example to one test; no page of it may have complained at the end.

    Violations of the content security policy and differences between what the server and
    the browser rendered are among the complaints.
    """
    yield running_site
    assert running_site.close_devices() == []


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Give the issuer of a running identity provider."""
    with identity_provider() as one:
        yield one


@pytest.fixture
def email() -> str:
    """Give an address that nobody has used yet."""
    return f"ada.{next(_numbers)}@example.org"

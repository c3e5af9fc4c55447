"""What holds for every test: real servers, and with `CI` set no test may be left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nodes import install
from servers import PostgresServer, RedisServer

pytest_plugins = ("proving",)
NOT_RUN = ("skipped", "xfailed")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Start a PostgreSQL for this process, at the first test that asks for it."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql: PostgresServer) -> Iterator[str]:
    """Give one test a database with Limen's tables."""
    url = postgresql.database()
    yield url
    postgresql.drop(url)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Start a Redis for this process, at the first test that asks for it."""
    server = RedisServer()
    yield server
    server.remove()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Give one test an empty Redis."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def installed() -> Path:
    """Give the folder of the npm packages, installed."""
    return install()


def _not_run(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI", "").lower() in ("", "0", "false"):
        return []
    return [report for outcome in NOT_RUN for report in reporter.stats.get(outcome, [])]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run; under xdist only the controller has a reporter that knows everything."""
    if not hasattr(session.config, "workerinput") and _not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which tests they were."""
    not_run = _not_run(config)
    if not_run:
        terminalreporter.section("not run, which CI does not allow", red=True)
    for report in not_run:
        terminalreporter.line(report.nodeid)

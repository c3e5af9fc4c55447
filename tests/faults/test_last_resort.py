"""What is raised where nobody expects it takes neither the process along nor a secret out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from live import EMAIL, PASSWORD, STRATEGIES, Live, serve

from limen.audit import AuditPolicy
from limen.stores.sql import migrate

SECRET_WORDS = "what no client may read"
pytestmark = pytest.mark.proves("asvs:16.5.4")


class Unexpected(BaseException):
    """Nothing catches this by accident."""


class Sink:
    """Follows every step, until it is told to break."""

    breaks = False

    def emit(self, event: object) -> None:
        del event
        if self.breaks:
            raise Unexpected(SECRET_WORDS)


def leave(event: object) -> NoReturn:
    del event
    sys.exit(SECRET_WORDS)


async def leave_later(event: object) -> NoReturn:
    leave(event)


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    template = tmp_path / "template.db"
    migrate(f"sqlite+aiosqlite:///{template}")
    return lambda strategy, **options: serve(template, tmp_path, strategy, **options)


@pytest.mark.parametrize("hook", [leave, leave_later])
def test_a_hook_that_leaves_the_process_leaves_nobody(run: Any, strategy: str, hook: Any) -> None:
    with run(strategy, audit=AuditPolicy(hooks=[hook])) as live:
        browser = live.browser()
        assert browser.post("/sign-out").status_code == 200
        assert signs_in(live)


def test_a_fault_that_nothing_catches_is_a_500_without_words(run: Any, strategy: str) -> None:
    sink = Sink()
    with run(strategy, sink=sink) as live:
        live.browser()
        sink.breaks = True
        answer = live.client().post("/sign-in/email", json={"email": EMAIL, "password": PASSWORD})
        sink.breaks = False
        assert answer.status_code == 500
        assert SECRET_WORDS not in answer.text
        assert "set-cookie" not in answer.headers
        assert signs_in(live)


def signs_in(live: Live) -> bool:
    body = {"email": EMAIL, "password": PASSWORD}
    return live.client().post("/sign-in/email", json=body).status_code == 200

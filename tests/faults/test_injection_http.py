"""The store of a real service fails at each question of each request: 503, or the whole of it.

And whatever an application hangs onto it may raise, even what no `except` should catch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from limens import STRATEGIES
from live import PASSWORD, SECRET, Live, bound, served, url_at

from limen import Limen
from limen.audit import AuditPolicy
from limen.passwords import CHEAPEST
from limen.service.app import create_app
from limen.stores.memory import MemoryStore
from limen.testing.faulty import Failure, FaultyStore
from limen.throttle import Budget

NEW = "another good battery"
NOBODY_COUNTS = {
    name: Budget(name.replace("_", "-"), 0, 1) for name in ("address_budget", "account_budget")
}
pytestmark = pytest.mark.proves("asvs:16.5.2", "asvs:16.5.3", "asvs:16.5.4", "attack:84")


class Site:
    """A service over a store that fails when it is told to."""

    def __init__(self, strategy: str, stack: ExitStack, **options: Any) -> None:
        self.faulty = FaultyStore(MemoryStore())
        listener = bound()
        if "mailer" in options:  # links lead to a known address
            options["base_url"] = url_at(listener)
        auth = Limen(
            strategy,  # type: ignore[arg-type]  # one of three names
            store=self.faulty,
            secret=SECRET,
            argon2=CHEAPEST,
            feed_interval=60.0,
            max_lag=120.0,
            **(NOBODY_COUNTS | options),
        )
        url, loop = stack.enter_context(served(create_app(auth), listener))
        self.live = Live(url, auth, Path("-"), loop)
        stack.callback(lambda: [client.close() for client in self.live.clients])
        self._people = 0

    def browser(self) -> httpx.Client:
        """Give a browser in which somebody new is signed in."""
        self._people += 1
        return self.live.browser(self.newest)

    @property
    def newest(self) -> str:
        return f"p{self._people}@example.org"


@pytest.fixture(scope="module", params=STRATEGIES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(request.param, stack)


Act = Callable[[httpx.Client, str], httpx.Response]
REQUESTS: dict[str, Act] = {
    "sign up": lambda c, email: c.post(
        "/sign-up/email", json={"name": "New", "email": "new-" + email, "password": PASSWORD}
    ),
    "sign in": lambda c, email: c.post(
        "/sign-in/email", json={"email": email, "password": PASSWORD}
    ),
    "session": lambda c, _: c.get("/get-session"),
    "sessions": lambda c, _: c.get("/list-sessions"),
    "refresh": lambda c, _: c.post("/refresh"),
    "token": lambda c, _: c.get("/token"),
    "sign out": lambda c, _: c.post("/sign-out"),
    "revoke": lambda c, _: c.post("/revoke-sessions"),
    "change password": lambda c, _: c.post(
        "/change-password", json={"currentPassword": PASSWORD, "newPassword": NEW}
    ),
}


def whose(browser: httpx.Client) -> Any:
    """Return the address of whom a browser is signed in as."""
    return (browser.get("/get-session").json() or {}).get("user", {}).get("email")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_meets_503_or_gets_the_whole_of_it(site: Site, name: str) -> None:
    act = REQUESTS[name]
    for failure in Failure:
        number, failing = 0, True
        while failing:
            browser = site.browser()
            before = dict(browser.cookies)
            site.faulty.fail(number, failure)
            answer = act(browser, site.newest)
            failing = site.faulty.has_failed
            site.faulty.heal()
            if answer.status_code == 503:
                assert answer.json()["code"] == "UNAVAILABLE"
                assert answer.headers["retry-after"] == "1"
                # What was issued before the fault is not lost, and is nobody else's.
                if "set-cookie" not in answer.headers:
                    assert dict(browser.cookies) == before
                elif name != "sign up":
                    assert whose(browser) == site.newest
            else:
                assert answer.status_code == 200, (number, failure, answer.text)
                assert answer.json() is not None
            number += 1
        assert number > 0


class Stop(BaseException):
    """What an application's own code should not raise, and may."""


def test_a_store_that_raises_what_nobody_foresaw_lets_nobody_in(site: Site) -> None:
    for error in (RuntimeError("secret words"), Stop("secret words"), asyncio.CancelledError()):
        browser = site.browser()
        site.faulty.fail(0, Failure.BEFORE, error)
        try:
            answer = browser.post(
                "/sign-in/email", json={"email": site.newest, "password": PASSWORD}
            )
        except httpx.RemoteProtocolError:
            pass  # the server let go of a request that was cancelled
        else:
            assert answer.status_code == 500
            assert "secret words" not in answer.text
        site.faulty.heal()
        # And the process lives.
        assert whose(browser) == site.newest


class Raising:
    """A mailer, a sink and a hook that fail whenever they are called."""

    calls = 0

    def send(self, letter: Any) -> None:
        """Fail to mail."""
        self.calls += 1
        raise RuntimeError("cannot mail")

    def emit(self, event: Any) -> None:
        """Fail to take an event."""
        self.calls += 1
        raise RuntimeError("cannot take it")

    def __call__(self, *_: Any) -> None:
        """Fail as a hook."""
        self.calls += 1
        raise RuntimeError("cannot hear")


@pytest.mark.parametrize("part", ["mailer", "sink", "hook"])
def test_a_part_of_the_application_that_raises_lets_nobody_in_and_keeps_nobody_out(
    part: str,
) -> None:
    raising = Raising()
    options: dict[str, Any] = {
        "mailer": {"mailer": raising},
        "sink": {"sink": raising},
        "hook": {"audit": AuditPolicy(hooks=(raising,))},
    }[part]
    with ExitStack() as stack:
        site = Site("hybrid", stack, **options)
        browser = site.browser()
        wrong = {"email": site.newest, "password": "not the right one"}
        assert site.live.client().post("/sign-in/email", json=wrong).status_code == 401
        right = {"email": site.newest, "password": PASSWORD}
        assert site.live.client().post("/sign-in/email", json=right).status_code == 200
        change = {"currentPassword": PASSWORD, "newPassword": NEW}
        assert browser.post("/change-password", json=change).status_code == 200
        assert browser.post("/sign-out").status_code == 200
    assert raising.calls > 0

"""`useSession` of the unmodified React client, in a real Chromium, under each strategy.

The page and the service share an origin. What a person does to a window (hiding it and coming
back) is the event that the client listens to; cookies, tabs, storage and network are real.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from live import PASSWORD, STRATEGIES, Live, serve
from nodes import run
from pages import HTML, PATIENCE_MS, SCRIPT, WithPages, chromium
from playwright.sync_api import Browser, BrowserContext, Page, expect

from limen.service.app import create_app
from limen.testing import FrozenClock

SHELL = (
    '<!doctype html><meta charset="utf-8"><main></main>'
    '<script type="module" src="/page.js"></script>'
)
_numbers = itertools.count(1)


@dataclass
class Tab:
    """One tab with the page, and what it asked of the service."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def shows(self, name: str) -> None:
        """Wait until the page shows somebody."""
        expect(self.page.locator("#who")).to_have_text(name, timeout=PATIENCE_MS)

    def call(self, expression: str, *given: object) -> object:
        """Call the client as code of the page does."""
        return self.page.evaluate(f"(given) => window.client.{expression}", list(given))

    def come_back(self) -> None:
        """Come back to the window, as the client notices it."""
        with self.page.expect_response("**/get-session"):
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def take(self) -> list[str]:
        """Return what was asked since the last time."""
        asked, self.asked[:] = list(self.asked), []
        return asked


@dataclass
class Stage:
    """A service, its clock, and a browser."""

    live: Live
    clock: FrozenClock
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    def profile(self) -> BrowserContext:
        """Give a browser profile with cookies of its own: one device."""
        self.contexts.append(self.browser.new_context())
        return self.contexts[-1]

    def tab(self, profile: BrowserContext, *, off: int = 0) -> Tab:
        """Open the page in a tab, on a device whose clock is `off` seconds, and wait."""
        tab = Tab(profile.new_page())
        if off:
            tab.page.clock.set_fixed_time(time.time() + off)
        tab.page.set_default_timeout(PATIENCE_MS)
        tab.page.on("request", lambda one: self._heard(tab, one.method, one.url))
        with tab.page.expect_response("**/get-session"):
            tab.page.goto(self.live.url)
        return tab

    def _heard(self, tab: Tab, method: str, url: str) -> None:
        if url.startswith(self.live.api):
            tab.asked.append(f"{method} {url.removeprefix(self.live.api)}")

    def signed_up(self, *, off: int = 0) -> Tab:
        """Open the page on a new device, where somebody new signs up."""
        tab = self.tab(self.profile(), off=off)
        tab.shows("nobody")
        name = f"ada{next(_numbers)}"
        person = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        assert not tab.call("signUp.email(given[0]).then((got) => got.error)", person)
        tab.shows(name)
        tab.take()
        return tab

    @property
    def signed(self) -> bool:
        """Whether there is a refresh token to trade."""
        return self.live.auth.settings.strategy != "session"


@pytest.fixture(scope="module")
def page(installed: Path) -> dict[str, tuple[str, str]]:
    """Give the page and its script, bundled once."""
    return {
        "/": (HTML, SHELL),
        "/page.js": (SCRIPT, run(installed, "bundle.mjs", "hooks_page.mjs")),
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a Chromium."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=STRATEGIES)
def service(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    page: dict[str, tuple[str, str]],
) -> Iterator[tuple[Live, FrozenClock]]:
    """Give the service with the page beside it, under each strategy in turn."""
    clock = FrozenClock(round(time.time() * 1000))
    home = tmp_path_factory.mktemp(request.param)

    def build(auth: object) -> WithPages:
        return WithPages(create_app(auth), page)  # type: ignore[arg-type]

    with serve(template, home, request.param, build=build, clock=clock) as live:
        yield live, clock


@pytest.fixture
def stage(service: tuple[Live, FrozenClock], browser: Browser) -> Iterator[Stage]:
    """Give the stage; its windows are closed afterwards."""
    stage = Stage(*service, browser)
    yield stage
    for context in stage.contexts:
        context.close()


def test_the_first_load_asks_once_and_a_sign_in_is_noticed(stage: Stage) -> None:
    tab = stage.tab(stage.profile())
    tab.shows("nobody")
    assert tab.take() == ["GET /get-session"]
    person = {"name": "Ada", "email": "first@example.org", "password": PASSWORD}
    assert not tab.call("signUp.email(given[0]).then((got) => got.error)", person)
    tab.shows("Ada")
    assert tab.take() == ["POST /sign-up/email", "GET /get-session"]
    assert not tab.call("updateUser({name: 'Ada L.'}).then((got) => got.error)")
    tab.shows("Ada L.")
    tab.call("signOut()")
    tab.shows("nobody")
    assert [one["name"] for one in tab.page.context.cookies()] == ["better-auth.device"]
    tab.page.reload()
    tab.shows("nobody")


def test_every_tab_hears_of_a_change_and_of_a_sign_out(stage: Stage) -> None:
    tab = stage.signed_up()
    other = stage.tab(tab.page.context)
    tab.call("updateUser({name: 'Bob'})")
    other.shows("Bob")
    tab.call("signOut()")
    other.shows("nobody")


def test_a_window_that_comes_back_learns_of_a_revocation(stage: Stage) -> None:
    tab = stage.signed_up()
    phone = stage.tab(stage.profile())
    name = tab.page.locator("#who").text_content()
    account = {"email": f"{name}@example.org", "password": PASSWORD}
    assert not phone.call("signIn.email(given[0]).then((got) => got.error)", account)
    phone.shows(name or "")
    assert not phone.call("revokeOtherSessions().then((got) => got.error)")
    tab.take()
    tab.come_back()
    tab.shows("nobody")
    assert tab.take() == ["GET /get-session"]
    # A GET may not yet forget a refresh token that another tab could have traded; a POST does.
    tab.page.evaluate("fetch('/api/auth/get-session', {method: 'POST'}).then((got) => got.text())")
    assert [one["name"] for one in tab.page.context.cookies()] == ["better-auth.device"]
    phone.shows(name or "")


def test_who_is_offline_stays_shown_and_is_asked_about_again_online(stage: Stage) -> None:
    tab = stage.signed_up()
    name = tab.page.locator("#who").text_content() or ""
    tab.page.context.set_offline(offline=True)
    tab.call("getSession().catch(() => null)")
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.shows(name)
    tab.take()
    with tab.page.expect_response("**/get-session") as answered:
        tab.page.context.set_offline(offline=False)
    assert answered.value.status == 200
    tab.shows(name)
    assert tab.take() == ["GET /get-session"]


@pytest.mark.parametrize("seconds", [200, 400], ids=["due", "run out"])
def test_what_is_due_is_renewed_by_a_post_and_never_by_a_get(stage: Stage, seconds: int) -> None:
    tab = stage.signed_up()
    name = tab.page.locator("#who").text_content() or ""
    before = _refresh_token(tab)
    stage.clock.advance(seconds * 1000)
    with tab.page.expect_response(lambda one: _is_last(one.request.method, stage)):
        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.shows(name)
    renewal = ["POST /get-session"] if stage.signed else []
    assert tab.take() == ["GET /get-session", *renewal]
    assert (_refresh_token(tab) != before) is stage.signed
    tab.page.reload()
    tab.shows(name)
    assert tab.take() == ["GET /get-session"]


@pytest.mark.parametrize("days", [-400, 400], ids=["behind", "ahead"])
def test_a_device_whose_clock_is_wrong_is_served_all_the_same(stage: Stage, days: int) -> None:
    """What is due is the server's word; the client compares no time of its own with it."""
    tab = stage.signed_up(off=days * 86_400)
    name = tab.page.locator("#who").text_content() or ""
    before = _refresh_token(tab)
    stage.clock.advance(200_000)
    with tab.page.expect_response(lambda one: _is_last(one.request.method, stage)):
        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.shows(name)
    assert (_refresh_token(tab) != before) is stage.signed


def test_two_tabs_that_renew_at_once_sign_nobody_out(stage: Stage) -> None:
    """Twice, so that a token spent in a race would be found out by its second use."""
    tab = stage.signed_up()
    name = tab.page.locator("#who").text_content() or ""
    other = stage.tab(tab.page.context)
    other.shows(name)
    for _ in range(2):
        stage.clock.advance(400_000)
        for one in (tab, other):
            one.page.evaluate("""() => {
                window.done = Promise.all([...Array(3)].map(() =>
                    fetch("/api/auth/get-session", {method: "POST"}).then((got) => got.json())));
            }""")
        for one in (tab, other):
            answers = one.page.evaluate("window.done")
            assert [got and got["user"]["name"] for got in answers] == [name] * 3
    for one in (tab, other):
        one.page.reload()
        one.shows(name)


def _refresh_token(tab: Tab) -> str | None:
    cookies = {one["name"]: one["value"] for one in tab.page.context.cookies()}
    return cookies.get("better-auth.refresh_token")


def _is_last(method: str, stage: Stage) -> bool:
    return method == ("POST" if stage.signed else "GET")

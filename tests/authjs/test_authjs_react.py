"""The published React clients of both versions, unmodified, in a real browser."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from authjs_visitors import VERSIONS, encrypted, person
from live import NAME, PASSWORD, STRATEGIES, Live, serve
from pages import PATIENCE_MS, chromium
from pages_of_react import bundled, site_with
from playwright.sync_api import Browser, BrowserContext, Page, expect

from limen import Target

_numbers = itertools.count(1)


@dataclass
class Site:
    """A running site, and somebody who has an account there."""

    live: Live
    version: int
    email: str = ""
    user: str = ""

    def page(self, context: BrowserContext, path: str = "/") -> Page:
        """Open a page and wait until it knows who is signed in."""
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(self.live.url + path)
        settled(page)
        return page

    def sign_in(self, page: Page, password: str = PASSWORD, **options: Any) -> Any:
        given = {"email": self.email, "password": password, "redirect": False, **options}
        return page.evaluate("given => client.signIn('credentials', given)", given)

    def signed_in(self, context: BrowserContext) -> Page:
        page = self.page(context)
        assert self.sign_in(page)["ok"] is True
        expect(page.locator("#status")).to_have_text("authenticated")
        return page


def settled(page: Page) -> None:
    expect(page.locator("#status")).not_to_have_text("loading")
    page.wait_for_function("() => window.client !== undefined")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as opened:
        yield opened


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as opened:
        yield opened


@pytest.fixture(
    scope="module",
    params=[(version, strategy) for version in VERSIONS for strategy in STRATEGIES],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def served(
    request: pytest.FixtureRequest,
    template: Path,
    installed: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    version, strategy = request.param
    # Version 4 looks for the sign-in page of a required session at /api/auth, wherever it is.
    with serve(
        template,
        tmp_path_factory.mktemp("site"),
        strategy,
        build=site_with(bundled(installed, version)),
        base_path="/api/limen",
        authjs=encrypted(version, path="/api/auth"),
    ) as live:
        yield Site(live, version)


@pytest.fixture
def site(served: Site) -> Site:
    served.email = f"ada.{next(_numbers)}@example.org"
    served.user = person(served.live, served.email)
    return served


def names(context: BrowserContext) -> list[str]:
    return [one.get("name", "") for one in context.cookies()]


def test_a_page_signs_in_updates_and_signs_out(site: Site, context: BrowserContext) -> None:
    page = site.page(context)
    expect(page.locator("#status")).to_have_text("unauthenticated")
    assert list(page.evaluate("() => client.getProviders()")) == ["credentials"]

    wrong = site.sign_in(page, "wrong")
    assert (wrong["error"], wrong["url"]) == ("CredentialsSignin", None)
    if site.version == 5:
        assert (wrong["ok"], wrong["status"], wrong["code"]) == (True, 200, "credentials")
    else:
        assert (wrong["ok"], wrong["status"]) == (False, 401)
    expect(page.locator("#status")).to_have_text("unauthenticated")

    right = site.sign_in(page)
    assert (right["ok"], right["status"], right.get("error")) == (True, 200, None)
    assert right["url"] == f"{site.live.url}/"
    expect(page.locator("#status")).to_have_text("authenticated")
    session = page.evaluate("() => client.getSession()")
    assert session["user"] == {
        "name": NAME,
        "email": site.email,
        "image": None,
        "id": site.user,
    }

    updated = page.evaluate("() => client.update({ name: 'Lady Ada' })")
    assert updated["user"]["name"] == "Lady Ada"
    expect(page.locator("#name")).to_have_text("Lady Ada")
    page.evaluate("() => client.update()")
    page.reload()
    settled(page)
    expect(page.locator("#name")).to_have_text("Lady Ada")

    assert page.evaluate("() => client.signOut({ redirect: false })") == {
        "url": f"{site.live.url}/"
    }
    expect(page.locator("#status")).to_have_text("unauthenticated")
    assert not [name for name in names(context) if "session" in name or "refresh" in name]
    assert site.live.run(site.live.auth.sessions(site.user)) == ()


def test_a_page_is_led_on_after_signing_in_and_out(site: Site, context: BrowserContext) -> None:
    page = site.page(context)
    given = {"email": site.email, "password": PASSWORD, "callbackUrl": "/private"}
    page.evaluate("given => void client.signIn('credentials', given)", given)
    page.wait_for_url("**/private")
    settled(page)
    expect(page.locator("#status")).to_have_text("authenticated")
    page.evaluate("() => void client.signOut({ callbackUrl: '/' })")
    page.wait_for_url(f"{site.live.url}/")
    settled(page)
    expect(page.locator("#status")).to_have_text("unauthenticated")


def test_the_tabs_of_a_browser_agree(site: Site, context: BrowserContext) -> None:
    first, second = site.page(context), site.page(context)
    site.sign_in(first)
    expect(second.locator("#status")).to_have_text("unauthenticated")
    second.reload()
    settled(second)
    expect(second.locator("#status")).to_have_text("authenticated")
    first.evaluate("() => client.signOut({ redirect: false })")
    expect(second.locator("#status")).to_have_text("unauthenticated")


def test_a_page_that_requires_somebody_gets_one_by_the_plain_page(
    site: Site, context: BrowserContext
) -> None:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{site.live.url}/required")
    page.wait_for_url("**/api/auth/signin?**")
    expect(page.get_by_role("alert")).to_contain_text("Please sign in")
    page.get_by_label("Email").fill(site.email)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in with Credentials").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.get_by_label("Email").fill(site.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in with Credentials").click()
    page.wait_for_url("**/required")
    settled(page)
    expect(page.locator("#status")).to_have_text("authenticated")


def test_another_device_ends_it_and_the_page_knows_on_focus(
    site: Site, context: BrowserContext
) -> None:
    page = site.signed_in(context)
    site.live.run(site.live.auth.revoke(Target.user(site.user)))
    # The client looks at most once a second.
    page.wait_for_timeout(1_100)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#status")).to_have_text("unauthenticated")
    assert not [name for name in names(context) if name.endswith("auth.session-token")]


def test_two_people_take_turns_in_one_browser(site: Site, context: BrowserContext) -> None:
    page = site.signed_in(context)
    before, site.email = site.user, f"eve.{next(_numbers)}@example.org"
    site.user = person(site.live, site.email)
    assert site.sign_in(page)["ok"] is True
    expect(page.locator("#session")).to_contain_text(site.email)
    assert site.live.run(site.live.auth.sessions(before)) == ()

"""The published client in a real browser, and a provider that is another site, as real ones are."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from live import STRATEGIES, Live
from nodes import NPM, install, node
from playwright.sync_api import Browser, Page, sync_playwright
from walks import ID, Identities, running

from limen import Limen
from limen.service.app import create_app
from limen.social import apple

SWITCHES = ["--no-sandbox", "--headless=new", "--disable-gpu", "--no-first-run"]
PATIENCE_MS = 30_000
BUNDLE = """require("esbuild").buildSync({
    entryPoints: ["social_page.mjs"], bundle: true, outfile: process.argv[1],
});"""
PAGE = b'<!doctype html><title>Page</title><script src="/page.js"></script>'


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Bundle the client for a page."""
    install()
    bundle = tmp_path_factory.mktemp("bundle") / "page.js"
    subprocess.run([node(), "-e", BUNDLE, str(bundle)], cwd=NPM, check=True, capture_output=True)
    return bundle.read_bytes()


@pytest.fixture
def with_page(script: bytes) -> Callable[[Limen], Any]:
    """Give what serves a page beside the service, from one origin."""

    def build(auth: Limen) -> Any:
        service = create_app(auth)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            pages = {"/": (b"text/html", PAGE), "/page.js": (b"text/javascript", script)}
            found = pages.get(scope.get("path", "")) if scope["type"] == "http" else None
            if found is None:
                await service(scope, receive, send)
                return
            headers = [(b"content-type", found[0]), (b"content-length", b"%d" % len(found[1]))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": found[1]})

        return app

    return build


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Identities]:
    """Give a provider of another site than 127.0.0.1."""
    with running(host="localhost") as one:
        yield one


def opened(chromium: Browser, live: Live) -> Page:
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{live.url}/")
    return page


def sign_in(
    page: Page, live: Live, target: str, provider: str = ID, name: str | None = None
) -> None:
    """Sign in by the client, and at the provider if it asks; end where that is expected."""
    page.evaluate(
        """provider => { auth.signIn.social({
            provider, callbackURL: "/", newUserCallbackURL: "/?new", errorCallbackURL: "/?failed",
        }); }""",
        provider,
    )
    if name is not None:
        page.get_by_label("Name").fill(name)
        page.get_by_role("button").click()
    page.wait_for_url(live.url + target)


def user_of(page: Page) -> Any:
    return page.evaluate("auth.getSession().then(({ data }) => data && data.user)")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_client_signs_in_at_a_provider_in_a_browser(
    chromium: Browser,
    start: Callable[..., Live],
    with_page: Callable[[Limen], Any],
    elsewhere: Identities,
    strategy: str,
) -> None:
    live = start(strategy, build=with_page, providers=[elsewhere.registered()])
    page = opened(chromium, live)
    assert user_of(page) is None
    sign_in(page, live, "/?new", name="grace")
    first = user_of(page)
    assert first["email"] == "grace@example.org"
    listed = page.evaluate("auth.listAccounts().then(({ data }) => data)")
    assert [one["providerId"] for one in listed] == [ID]
    last = page.evaluate(
        "id => auth.unlinkAccount({ accountId: id }).then(({ error }) => error.code)",
        listed[0]["id"],
    )
    assert last == "FAILED_TO_UNLINK_LAST_ACCOUNT"

    page.evaluate("auth.signOut()")
    assert user_of(page) is None
    page.goto(f"{live.url}/?again")
    sign_in(page, live, "/")
    assert user_of(page)["id"] == first["id"]
    # No script of the page can read what signs it in, nor what bound the attempt.
    assert page.evaluate("document.cookie") == ""

    turned_back = opened(chromium, live)
    sign_in(turned_back, live, "/?failed&error=access_denied", name="nobody")
    assert user_of(turned_back) is None


def test_the_client_links_in_a_browser(
    chromium: Browser,
    start: Callable[..., Live],
    with_page: Callable[[Limen], Any],
    elsewhere: Identities,
) -> None:
    live = start("hybrid", build=with_page, providers=[elsewhere.registered()])
    page = opened(chromium, live)
    page.evaluate(
        """auth.signUp.email({
            name: "Mary", email: "mary@example.org", password: "correct horse battery",
        })"""
    )
    page.evaluate(
        'void auth.linkSocial({ provider: "hub", callbackURL: "/?linked" })',
    )
    page.get_by_label("Name").fill("mary")
    page.get_by_role("button").click()
    page.wait_for_url(f"{live.url}/?linked")
    listed = page.evaluate("auth.listAccounts().then(({ data }) => data)")
    assert [one["providerId"] for one in listed] == ["credential", ID]


def test_a_form_that_another_site_posts_comes_back_with_the_cookie(
    chromium: Browser, start: Callable[..., Live], with_page: Callable[[Limen], Any]
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with running(host="localhost", appleKey=public.decode()) as orchard:
        preset = apple(
            "posted",
            team_id="TEAM123456",
            key_id="KEY1234567",
            private_key=private.decode(),
            issuer=orchard.issuer,
            scopes=("openid", "email", "profile"),
        )
        live = start("session", build=with_page, providers=[preset])
        page = opened(chromium, live)
        sign_in(page, live, "/?new", "apple", name="steve")
        assert user_of(page)["email"] == "steve@example.org"

"""Each cause in a real browser: the cookie is really missing, and the diagnostic says why."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from places import Tls, Visit, World, allowing, changing, named

from limen import CookieSettings, Target

Visiting = Callable[[str, str], Visit]


def missing(at: Visit, credentials: str = "include") -> object:
    """Sign up, and make sure that nobody is signed in; return how the sign-up ended."""
    ended = at.sign_up(credentials)
    assert not at.has_cookie
    assert not at.is_signed_in
    return ended


def test_a_cookie_that_arrives_is_not_missing(world: World, visit: Visiting) -> None:
    url = world.pages()
    page = named(url, "localhost")
    cors = allowing(page)
    live = world.service(cors, trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    assert at.why()["cause"] == "not-signed-in"
    assert at.sign_up() == 200
    assert at.has_cookie
    assert at.is_signed_in
    told = at.why()
    assert (told["cause"], told["also"]) == ("arrived", [])


def test_where_all_is_well_the_console_stays_quiet(world: World, visit: Visiting) -> None:
    page = named(world.pages(), "localhost")
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    said: list[tuple[str, str]] = []
    refused: list[str] = []
    at.page.on("console", lambda one: said.append((one.type, one.location["url"])))
    at.page.on("response", lambda one: refused.append(one.url) if one.status >= 400 else None)
    assert at.sign_up() == 200
    assert at.why()["cause"] == "arrived"
    assert [kind for kind, url in said if url.startswith(at.api)] == ["info"]
    assert [url for url in refused if url.startswith(at.api)] == []


def test_a_cookie_that_arrives_may_not_be_accepted(world: World, visit: Visiting) -> None:
    page = named(world.pages(), "localhost")
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    assert at.sign_up() == 200
    (account,) = live.run(live.auth.accounts())
    live.run(live.auth.revoke(Target.user(account.id)))
    assert at.has_cookie
    told = at.why()
    assert (told["cause"], told["also"]) == ("not-accepted", [])
    assert not at.is_signed_in
    assert at.why()["cause"] != "arrived"


def test_a_store_that_fails_judges_no_cookie(world: World, visit: Visiting) -> None:
    page = named(world.pages(), "localhost")
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    assert at.sign_up() == 200
    (file,) = world.home.glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%session%'")
        for (name,) in tables.fetchall():
            database.execute(f'DROP TABLE IF EXISTS "{name}"')
    assert at.why()["cause"] == "not-judged"


def test_behind_a_rewrite_the_script_is_asked_where_the_page_asks(
    world: World, visit: Visiting
) -> None:
    live = world.service(base_url="http://localhost:3000")
    page = named(world.proxied(live.url, host="localhost:8000"), "localhost")
    at = visit(page, page)
    assert missing(at) == 403
    told = at.why()
    assert told["cause"] == "base-url"
    assert told["also"] == []
    assert f"base_url is http://localhost:3000, the page is {page}" in told["sentence"]


@pytest.mark.parametrize(
    ("page_at", "api_at"),
    [
        ("http://app.example", "http://api.app.example"),
        ("http://app.example", "http://app.example"),
    ],
)
def test_secure_over_plain_http(world: World, visit: Visiting, page_at: str, api_at: str) -> None:
    url = world.pages()
    page = named(url, page_at.partition("://")[2])
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, api_at.partition("://")[2]))
    assert missing(at) == 200
    told = at.why()
    assert told["cause"] == "secure-on-http"
    assert "__Host-better-auth.session_token" in told["sentence"]


@pytest.mark.parametrize(
    ("page_host", "api_host"),
    [
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("app.localhost", "localhost"),
        ("app.example", "127.0.0.1"),
    ],
)
def test_same_site_lax_between_sites(
    world: World, visit: Visiting, page_host: str, api_host: str
) -> None:
    url = world.pages()
    page = named(url, page_host)
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, api_host))
    assert missing(at) == 200
    assert at.why()["cause"] == "same-site"


def test_same_site_lax_between_sites_over_https(world: World, visit: Visiting, tls: Tls) -> None:
    url = world.pages(tls)
    page = named(url, "app.example", "https")
    cors = allowing(page)
    live = world.service(cors, tls=tls, trusted_origins=[page])
    at = visit(page, named(live.url, "api.example", "https"))
    assert missing(at) == 200
    told = at.why()
    assert told["cause"] == "same-site"
    assert "https://app.example and the API of the site https://api.example" in (told["sentence"])


def test_one_site_on_two_ports_and_one_site_on_two_names(
    world: World, visit: Visiting, tls: Tls
) -> None:
    url = world.pages(tls)
    page = named(url, "app.example", "https")
    cors = allowing(page)
    live = world.service(cors, tls=tls, trusted_origins=[page])
    at = visit(page, named(live.url, "api.app.example", "https"))
    assert at.sign_up() == 200
    assert at.is_signed_in
    assert at.why()["cause"] == "arrived"


def test_a_domain_that_is_not_the_hosts(world: World, visit: Visiting) -> None:
    url = world.pages()
    page = named(url, "localhost")
    cookies = CookieSettings(domain="shop.example")
    live = world.service(allowing(page), trusted_origins=[page], cookies=cookies)
    at = visit(page, named(live.url, "localhost"))
    assert missing(at) == 200
    assert at.why()["cause"] == "domain"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (None, "cors-missing"),
        ({"allow_origins": ["*"], "allow_credentials": False}, "cors-no-credentials"),
        ({"allow_credentials": False}, "cors-no-credentials"),
        ({"allow_origins": ["http://localhost:1"]}, "cors-missing"),
        ({"allow_methods": ["GET"]}, "cors-missing"),
    ],
)
def test_cors_that_lets_no_cookie_through(
    world: World,
    visit: Visiting,
    changes: dict[str, Any] | None,
    cause: str,
) -> None:
    url = world.pages()
    page = named(url, "localhost")
    cors = None if changes is None else allowing(page, **changes)
    live = world.service(cors, trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    assert at.sign_up() == "unreadable"
    assert at.why()["cause"] == cause


def test_an_origin_that_is_not_trusted(world: World, visit: Visiting) -> None:
    url = world.pages()
    page = named(url, "localhost")
    live = world.service(allowing(page))
    at = visit(page, named(live.url, "localhost"))
    assert missing(at) == 403
    told = at.why()
    assert told["cause"] == "untrusted-origin"
    assert page in told["remedy"]


def test_a_fetch_without_credentials(world: World, visit: Visiting) -> None:
    url = world.pages()
    page = named(url, "localhost")
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    assert missing(at, "same-origin") == 200
    assert at.why()["cause"] == "fetch-without-credentials"


def test_a_sign_in_by_a_server_component(world: World, visit: Visiting) -> None:
    url = world.pages()
    page = named(url, "localhost")
    live = world.service(allowing(page), trusted_origins=[page])
    at = visit(page, named(live.url, "localhost"))
    at.page.goto(f"{page}/server?api={live.url}")
    assert at.page.title() == "200"
    assert not at.has_cookie
    assert not at.is_signed_in
    assert at.why()["cause"] == "server-component"


def test_a_proxy_that_takes_set_cookie_away(world: World, visit: Visiting) -> None:
    live = world.service()
    url = world.proxied(live.url, changing(lambda _: None))
    page = named(url, "localhost")
    at = visit(page, page)
    assert missing(at) == 200
    assert at.why()["cause"] == "set-cookie-dropped"


def test_a_proxy_that_rewrites_the_host(world: World, visit: Visiting) -> None:
    live = world.service()
    url = world.proxied(live.url, host="127.0.0.1:8000")
    page = named(url, "localhost")
    at = visit(page, page)
    assert missing(at) == 403
    told = at.why()
    assert told["cause"] == "proxy-host"
    assert page in told["remedy"]


def test_a_proxy_that_hides_https(world: World, visit: Visiting, tls: Tls) -> None:
    live = world.service()
    url = world.proxied(live.url, tls=tls)
    page = named(url, "app.example", "https")
    at = visit(page, page)
    assert missing(at) == 403
    told = at.why()
    assert told["cause"] == "proxy-scheme"
    assert f"LIMEN_BASE_URL={page} " in told["remedy"]
    assert f'base_url="{page}" in Limen(...)' in told["remedy"]

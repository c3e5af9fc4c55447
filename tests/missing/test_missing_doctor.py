"""`limen doctor --origin --api`: asks the running service, and names what the browser dropped."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live import served
from places import Visit, World, allowing, changing, named
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from limen import CookieSettings, Limen
from limen.cli.main import app as command
from limen.service.app import create_app

Visiting = Callable[[str, str], Visit]
NAME = "better-auth.session_token"


@pytest.fixture(autouse=True)
def resolving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let this process find the names that the browser is told of, and no settings."""
    look_up = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **kwargs: Any) -> Any:
        ours = isinstance(host, str) and host.endswith((".example", ".other", ".localhost"))
        return look_up("127.0.0.1" if ours else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.chdir(tmp_path)


def doctor(origin: str, api: str, **variables: str) -> dict[str, Any]:
    """Return what the doctor says, as JSON."""
    ran = CliRunner().invoke(
        command,
        ["doctor", "--json", "--origin", origin, "--api", api],
        env={f"LIMEN_{name.upper()}": value for name, value in variables.items()},
    )
    told: dict[str, Any] = json.loads(ran.stdout)
    assert ran.exit_code == (1 if told["errors"] else 0)
    return told


def causes(told: dict[str, Any]) -> list[str]:
    return [one["subject"] for one in told["findings"] if one["severity"] == "error"]


EDITS: dict[str, Callable[[str], str | None]] = {
    "host-prefix": lambda line: f"__Host-{line}; Secure; Domain=localhost",
    "secure-prefix": lambda line: f"__Secure-{line}",
    "none-without-secure": lambda line: line.replace("SameSite=Lax", "SameSite=None"),
    "too-large": lambda line: line.replace("=", "=" + "x" * 4_200, 1),
    "domain": lambda line: f"{line}; Domain=api.internal.example",
    "set-cookie-dropped": lambda _: None,
}


@pytest.mark.parametrize("cause", EDITS)
def test_what_a_proxy_makes_of_the_cookie(world: World, visit: Visiting, cause: str) -> None:
    live = world.service()
    page = named(world.proxied(live.url, changing(EDITS[cause])), "localhost")
    at = visit(page, page)
    assert at.sign_up() == 200
    assert at.page.context.cookies() == []
    assert not at.is_signed_in
    assert at.why()["cause"] == "set-cookie-dropped"  # all that can be seen from inside
    told = doctor(page, page)
    assert causes(told) == [cause]
    finding, *received = told["findings"]
    assert finding["sentence"].endswith(".")
    assert "limen doctor" not in finding["remedy"]
    if cause == "set-cookie-dropped":
        assert received == []
    else:
        assert f"{NAME}; " in received[0]["sentence"]
        assert "HttpOnly" in received[0]["sentence"]
        assert "xxx" not in json.dumps(told)


@pytest.mark.parametrize("path", ["/wrong", "/api", "/api/auth/ok"])
def test_a_path_under_which_nothing_of_limen_answers(world: World, path: str) -> None:
    page = "http://localhost:3000"
    live = world.service(allowing(page), trusted_origins=[page])
    api = named(live.url, "localhost")
    told = doctor(page, api + path)
    assert causes(told) == ["not-limen"]
    (finding,) = told["findings"]
    assert finding["sentence"] == f"Nothing at {api}{path} speaks Limen's protocol (404)."
    assert "base_path" in finding["remedy"]


@pytest.mark.parametrize(
    ("ok", "session"),
    [
        (HTMLResponse("<p>ok"), HTMLResponse("<p>")),
        (JSONResponse({"ok": True}), HTMLResponse("<p>" + "x" * 100_000)),
        (JSONResponse({"ok": True}), JSONResponse([])),
        (JSONResponse({"status": "up"}), JSONResponse(None)),
    ],
)
def test_a_server_that_is_no_limen(ok: Response, session: Response) -> None:
    async def at_ok(_: Request) -> Response:
        return ok

    async def at_session(_: Request) -> Response:
        return session

    routes = [Route("/api/auth/ok", at_ok), Route("/api/auth/get-session", at_session)]
    with served(Starlette(routes=routes)) as (url, _):
        api = named(url, "localhost")
        assert causes(doctor(api, api)) == ["not-limen"]


def test_a_service_without_a_store_tells_itself_whom_it_trusts() -> None:
    secret = "Zk3-pX9vQ2rTn8wLb6Yc4Hs1Jd7Gf5Ma0Eo_UiBq"
    page = "http://localhost:3000"
    app = create_app(Limen("jwt", refresh=None, secret=secret))
    with served(CORSMiddleware(app, **allowing(page))) as (url, _):
        assert causes(doctor(page, named(url, "localhost"))) == ["untrusted-origin"]


def test_base_url_of_another_port_is_said_and_no_proxy_is_blamed(world: World) -> None:
    live = world.service(base_url="http://localhost:3000")
    page = named(world.proxied(live.url), "localhost")
    told = doctor(page, page)
    assert causes(told) == ["base-url"]
    sentence = told["findings"][0]["sentence"]
    assert f"base_url is http://localhost:3000, the page is {page}, " in sentence
    assert "proxy" not in sentence


def test_the_diagnostic_is_not_recommended_where_it_is_not_served(world: World) -> None:
    page = "http://localhost:3000"
    live = world.service(allowing(page), base_url="https://app.example", trusted_origins=[page])
    told = doctor(page, named(live.url, "localhost"))
    assert causes(told) == []
    assert "developer tools" in told["findings"][-1]["remedy"]
    assert "why.js" not in json.dumps(told)


def test_nothing_is_stated_where_nothing_answers_and_nothing_is_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{taken.getsockname()[1]}"
        told = doctor(api, api)
    reasons = {one["subject"]: one["reason"] for one in told["unchecked"]}
    assert reasons["api"].startswith(f"not asked: nothing answers at {api}")
    assert reasons["settings"] == "no LIMEN_… and no limen.toml found here."
    assert set(reasons) == {"api", "settings"}
    assert causes(told) == ["api"]
    assert len(told["findings"]) == 1


def test_a_right_service_has_no_cause_and_nobody_was_signed_in(world: World) -> None:
    page = "http://localhost:3000"
    live = world.service(allowing(page), trusted_origins=[page])
    told = doctor(page, named(live.url, "localhost"))
    assert causes(told) == []
    assert "/api/auth/why.js" in told["findings"][-1]["remedy"]
    assert live.run(live.auth.accounts()) == ()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (None, "cors-missing"),
        ({"allow_origins": ["*"], "allow_credentials": False}, "cors-wildcard"),
        ({"allow_credentials": False}, "cors-no-credentials"),
        ({"allow_origins": ["http://localhost:1"]}, "cors-missing"),
    ],
)
def test_cors_is_asked_and_not_guessed(
    world: World, visit: Visiting, changes: dict[str, Any] | None, cause: str
) -> None:
    page = named(world.pages(), "localhost")
    cors = None if changes is None else allowing(page, **changes)
    live = world.service(cors, trusted_origins=[page])
    api = named(live.url, "localhost")
    assert visit(page, api).sign_up() == "unreadable"
    assert causes(doctor(page, api)) == [cause]


def test_an_answer_that_allows_another_page(world: World, visit: Visiting) -> None:
    page, other = named(world.pages(), "localhost"), "http://localhost:1"
    live = world.service(allowing(page), trusted_origins=[page])

    def for_another(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name, other if value == page else value) for name, value in lines]

    api = named(world.proxied(live.url, for_another), "localhost")
    at = visit(page, api)
    assert at.sign_up() == "unreadable"
    assert at.why()["cause"] == "cors-missing"  # the browser does not tell the page more
    assert causes(doctor(page, api)) == ["cors-other-origin"]


@pytest.mark.parametrize(
    ("page", "api_host", "settings", "expected"),
    [
        ("http://localhost:3000", "localhost", {"trusted_origins": []}, ["untrusted-origin"]),
        ("http://localhost:3000", "127.0.0.1", {}, ["same-site"]),
        ("http://app.example", "api.app.example", {}, ["secure-on-http"]),
        ("http://app.example", "api.other", {}, ["secure-on-http", "same-site"]),
        (
            *("http://localhost:3000", "localhost"),
            {"cookies": CookieSettings(domain="shop.example")},
            ["domain"],
        ),
    ],
)
def test_a_running_service_is_judged_as_the_browser_judges_it(
    world: World, page: str, api_host: str, settings: dict[str, Any], expected: list[str]
) -> None:
    live = world.service(allowing(page), **({"trusted_origins": [page]} | settings))
    assert causes(doctor(page, named(live.url, api_host))) == expected


def test_a_proxy_that_rewrites_the_host_is_seen_by_the_page_being_its_own(world: World) -> None:
    live = world.service()
    page = named(world.proxied(live.url, host="127.0.0.1:8000"), "localhost")
    assert causes(doctor(page, page)) == ["proxy-host"]


@pytest.mark.parametrize(
    ("variables", "page", "api", "expected"),
    [
        ({"base_url": "https://api.example"}, "https://app.example", "https://api.example",
         ["untrusted-origin", "same-site"]),
        ({"base_url": "https://api.example", "trusted_origins": "https://app.api.example"},
         "https://app.api.example", "https://api.example", []),
        ({"base_url": "https://a.co.uk", "trusted_origins": "https://b.co.uk"},
         "https://b.co.uk", "https://a.co.uk", ["same-site"]),
        ({"base_url": "https://a.vercel.app", "trusted_origins": "https://b.vercel.app",
          "cookie_domain": "vercel.app"},
         "https://b.vercel.app", "https://a.vercel.app", ["domain", "same-site"]),
        ({"base_url": "https://api.example", "trusted_origins": "http://api.example"},
         "http://api.example", "https://api.example", ["same-site"]),
        ({"base_url": "https://api.example", "trusted_origins": "https://app.other",
          "cookie_same_site": "none"}, "https://app.other", "https://api.example", []),
        ({"cookie_domain": "example"}, "https://api.example", "https://api.example", ["domain"]),
    ],
)  # fmt: skip
def test_where_nothing_answers_the_settings_are_judged_and_that_is_said(
    variables: dict[str, str], page: str, api: str, expected: list[str], monkeypatch
) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    told = doctor(page, api, **variables)
    assert causes(told) == expected
    unchecked = {one["subject"] for one in told["unchecked"]}
    assert "api" in unchecked
    if variables.get("cookie_same_site") == "none":
        assert "third-party cookies" in unchecked
    if page == "https://app.api.example":
        assert "site" in unchecked


def test_half_a_question_is_refused() -> None:
    ran = CliRunner().invoke(command, ["doctor", "--origin", "https://app.example"])
    assert ran.exit_code == 2
    ran = CliRunner().invoke(command, ["doctor", "--origin", "app.example", "--api", "https://x.y"])
    assert ran.exit_code != 0
    assert "--origin" in ran.output

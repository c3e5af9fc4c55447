"""Pages, proxies and services under the names of this machine, as a browser finds them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from live import Live, serve, served
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from limen import Limen
from limen.service.app import create_app

CHROMIUM: Final = "/usr/bin/chromium"
SWITCHES: Final = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--ignore-certificate-errors",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.other 127.0.0.1",
]
PATIENCE_MS: Final = 30_000
COOKIE: Final = "session_token"
PERSON: Final = {
    "name": "Ada",
    "email": "ada@example.org",
    "password": "correct horse battery",
}
Line = tuple[str, str]
Change = Callable[[list[Line]], list[Line]]

SIGN_UP: Final = """([api, credentials, person]) => fetch(api + "/api/auth/sign-up/email", {
  method: "POST", credentials, headers: {"content-type": "application/json"},
  body: JSON.stringify(person)
}).then(answer => answer.status, () => "unreadable")"""
WHO: Final = """([api]) => fetch(api + "/api/auth/get-session", {credentials: "include"})
  .then(answer => answer.json(), () => null)"""
DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "missing-cookie.md"
(ASK,) = re.findall(r"```js\n(document\.head.*?;)\n```", DOCUMENT.read_text(), re.DOTALL)
DOCUMENTED_API: Final = "http://localhost:8000"


@dataclass(frozen=True)
class Tls:
    """The files of a certificate that the browser is told not to look at."""

    certificate: Path
    key: Path

    @property
    def options(self) -> dict[str, Any]:
        return {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}


def named(url: str, host: str, scheme: str = "http") -> str:
    """Return the origin of a local server under another name."""
    return f"{scheme}://{host}:{url.rpartition(':')[2]}"


@contextlib.contextmanager
def pages(tls: Tls | None = None) -> Iterator[str]:
    """Serve an empty page, and one that signs in on the server as a server component does."""

    async def empty(_: Request) -> Response:
        return HTMLResponse("<!doctype html><title>A page</title>")

    async def signed_in_by_server(request: Request) -> Response:
        async with httpx.AsyncClient(verify=False) as client:
            url = request.query_params["api"] + "/api/auth/sign-up/email"
            answer = await client.post(url, json=PERSON)
        return HTMLResponse(f"<!doctype html><title>{answer.status_code}</title>")

    app = Starlette(routes=[Route("/", empty), Route("/server", signed_in_by_server)])
    with served(app, **(tls.options if tls else {})) as (url, _):
        yield url


@contextlib.contextmanager
def service(
    template: Path,
    home: Path,
    cors: dict[str, Any] | None = None,
    tls: Tls | None = None,
    **settings: Any,
) -> Iterator[Live]:
    """Serve Limen, with a CORS middleware around it if one is described."""

    def build(auth: Limen) -> Any:
        app = create_app(auth)
        return app if cors is None else CORSMiddleware(app, **cors)

    home.mkdir(parents=True, exist_ok=True)
    options = tls.options if tls else {}
    with serve(template, home, "session", build=build, server=options, **settings) as live:
        yield live


def allowing(page: str, **changes: Any) -> dict[str, Any]:
    """Describe the CORS middleware that is right for a page."""
    right = {
        "allow_origins": [page],
        "allow_credentials": True,
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["content-type"],
    }
    return right | changes


@contextlib.contextmanager
def proxied(
    target: str,
    change: Change = lambda lines: lines,
    *,
    host: str | None = None,
    tls: Tls | None = None,
) -> Iterator[str]:
    """Serve a page at / and hand everything else on to the service.

    `change` is applied to the header lines of each answer; with `host` the service is told
    that name and not the one that the browser asked for.
    """

    async def pass_on(request: Request) -> Response:
        lines = [(name, value) for name, value in request.headers.items() if name != "host"]
        lines.append(("host", host or request.headers["host"]))
        async with httpx.AsyncClient() as client:
            answer = await client.request(
                request.method,
                target + request.url.path,
                params=request.query_params,
                headers=lines,
                content=await request.body(),
            )
        passed = Response(answer.content, answer.status_code)
        kept = [line for line in answer.headers.multi_items() if line[0] != "content-length"]
        passed.raw_headers += [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in change(kept)
        ]
        return passed

    async def empty(_: Request) -> Response:
        return HTMLResponse("<!doctype html><title>A page</title>")

    methods = ["GET", "POST", "OPTIONS"]
    app = Starlette(routes=[Route("/", empty), Route("/{path:path}", pass_on, methods=methods)])
    with served(app, **(tls.options if tls else {})) as (url, _):
        yield url


def changing(edit: Callable[[str], str | None]) -> Change:
    """Return what edits each Set-Cookie line, or takes it away."""

    def change(lines: list[Line]) -> list[Line]:
        changed: list[Line] = []
        for name, value in lines:
            edited = edit(value) if name == "set-cookie" else value
            if edited is not None:
                changed.append((name, edited))
        return changed

    return change


@dataclass
class World:
    """Starts what a test needs, and stops it at the end."""

    template: Path
    home: Path
    stack: contextlib.ExitStack

    def pages(self, tls: Tls | None = None) -> str:
        """Serve pages; return where."""
        return self.stack.enter_context(pages(tls))

    def service(self, cors: dict[str, Any] | None = None, **options: Any) -> Live:
        """Serve Limen."""
        return self.stack.enter_context(service(self.template, self.home, cors, **options))

    def proxied(self, target: str, *change: Change, **options: Any) -> str:
        """Serve a proxy; return where."""
        return self.stack.enter_context(proxied(target, *change, **options))


@dataclass
class Visit:
    """A page in a browser, which asks a service."""

    page: Page
    api: str

    def sign_up(self, credentials: str = "include") -> object:
        """Sign up from the page; return the status, or that the page could not read it."""
        return self.page.evaluate(SIGN_UP, [self.api, credentials, PERSON])

    @property
    def has_cookie(self) -> bool:
        """Whether the browser keeps the sign-in cookie."""
        return any(one["name"].endswith(COOKIE) for one in self.page.context.cookies())

    @property
    def is_signed_in(self) -> bool:
        """Whether the service knows who asks."""
        return self.page.evaluate(WHO, [self.api]) is not None

    def why(self) -> dict[str, Any]:
        """Run the one line of the documents in the page; return what it says."""
        self.page.evaluate("delete globalThis.limenWhy")
        assert DOCUMENTED_API in ASK
        self.page.evaluate(ASK.replace(DOCUMENTED_API, self.api))
        self.page.wait_for_function("globalThis.limenWhy?.cause", timeout=PATIENCE_MS)
        told: dict[str, Any] = json.loads(self.page.evaluate("JSON.stringify(limenWhy)"))
        return told

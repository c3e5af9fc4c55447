"""A real Chromium, and pages of ours on the origin of a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
PATIENCE_MS = 30_000  # a busy machine is no fault
HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a Chromium; tests in a browser are never skipped."""
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: `make test` installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


class WithPages:
    """An ASGI application with a few pages beside it, by their paths."""

    def __init__(self, app: Any, pages: Mapping[str, tuple[str, str]]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a page, or what the application answers."""
        page = self._pages.get(scope["path"]) if scope["type"] == "http" else None
        if page is None:
            await self._app(scope, receive, send)
            return
        media_type, text = page
        headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

"""A page with the published React client, bundled, and a site that serves it beside Limen."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodes import node
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from limen import Limen
from limen.web.starlette import install

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
<link rel="icon" href="data:,"></head>
<body><div id="root" data-base="{base}"></div><script src="/page.js"></script></body></html>"""


@functools.cache
def bundled(folder: Path, version: int) -> bytes:
    """Return the page's script with the client of one version in it."""
    client = f"auth-client=next-auth-{version}/react"
    command = [node(), "bundle.mjs", "authjs-page.jsx", client]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def site_with(script: bytes) -> Callable[[Limen], Any]:
    """Return what builds a site of three pages and Limen."""

    def build(auth: Limen) -> Starlette:
        async def page(_request: Request) -> Response:
            return HTMLResponse(PAGE.format(base=auth.settings.authjs.path))

        async def page_script(_request: Request) -> Response:
            return Response(script, media_type="text/javascript")

        places = ("/", "/private", "/required")
        app = Starlette(
            routes=[*(Route(one, page) for one in places), Route("/page.js", page_script)]
        )
        install(app, auth)
        return app

    return build

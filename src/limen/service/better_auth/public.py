"""What anybody may ask, and the short token for other services."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from limen.rotation import PUBLISH_FOR
from limen.service.better_auth.accounts import DPOP
from limen.service.better_auth.wire import UNAUTHORIZED, Answer, json_answer
from limen.verdict import Refused

if TYPE_CHECKING:
    from limen.service.better_auth.endpoint import Call

_CODE = re.compile(r"[A-Za-z0-9_'-]+")
_MAX_CODE = 64
_UNKNOWN = "UNKNOWN"
# Nothing is loaded, run, framed or submitted.
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign-in error</title></head>
<body><main><h1>Sign-in did not work</h1>
<p>Error: <code>{code}</code></p>
<p><a href="/">Back to the start page</a></p></main></body>
</html>
"""


async def token(call: Call) -> Answer:
    """Return a short signed token that other services check by the key set."""
    minted = await call.auth.service_token(call.actor)
    if isinstance(minted, Refused):
        return UNAUTHORIZED.answer((("WWW-Authenticate", "Bearer"),))
    kind = {"tokenType": DPOP} if call.actor.bound_to is not None else {}
    return json_answer({"token": minted.reveal(), **kind})


async def jwks(call: Call) -> Answer:
    """Return the public keys; verifiers may keep them as long as new ones wait unused."""
    age = f"public, max-age={PUBLISH_FOR // 1000}"
    return json_answer(call.auth.jwks(), headers=(("Cache-Control", age),))


async def ok(call: Call) -> Answer:
    """Say that the service is up."""
    del call
    return json_answer({"ok": True})


async def error(call: Call) -> Answer:
    """Show an error code to a person; anything that is no code is shown as UNKNOWN."""
    stated = call.query.get("error")
    code = stated if isinstance(stated, str) and len(stated) <= _MAX_CODE else ""
    if not _CODE.fullmatch(code):
        code = _UNKNOWN
    page = _PAGE.format(code=html.escape(code))
    headers = (("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer"))
    return Answer(200, page.encode(), "text/html; charset=utf-8", headers)

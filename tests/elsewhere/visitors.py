"""A browser that holds the session of another server, at a service of Limen."""

from __future__ import annotations

from typing import Any

import httpx
from live import Live


def visitor(live: Live, cookie: str | None, **headers: str) -> httpx.Client:
    """Give a client that sends this cookie besides whatever Limen sets."""
    return live.client(**({"Cookie": cookie} if cookie else {}), **headers)


def who(live: Live, cookie: str | None, **headers: str) -> str | None:
    """Return the id of the user that Limen takes the holder of a cookie for."""
    answer = visitor(live, cookie, **headers).get("/get-session")
    assert answer.status_code == 200, answer.text
    members: dict[str, Any] | None = answer.json()
    return members["user"]["id"] if members else None

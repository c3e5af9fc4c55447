"""One whole answer of a wire, and how it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from limen.transports.browser import completed

if TYPE_CHECKING:
    from limen.transports.base import HeaderLines
    from limen.web.asgi import Send

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response, but for the cookies that the middleware adds."""

    status: int = 200
    body: bytes = b""
    media_type: str | None = None
    headers: HeaderPairs = ()


def json_answer(value: Any, status: int = 200, headers: HeaderPairs = ()) -> Answer:
    """Answer with JSON: no spaces, text unescaped."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, body, JSON_TYPE, headers)


def date(at: int) -> str:
    """Return a time in milliseconds as JavaScript writes it: UTC, three digits, `Z`."""
    seconds, rest = divmod(at, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


async def send_answer(answer: Answer, send: Send, also: HeaderLines = ()) -> None:
    """Send an answer with all that it does not say itself: it is not kept, framed or embedded."""
    headers = list(answer.headers)
    if answer.media_type is not None:
        headers.append(("Content-Type", answer.media_type))
    if answer.status != HTTPStatus.NO_CONTENT:  # which has no length (RFC 9110 section 8.6)
        headers.append(("Content-Length", str(len(answer.body))))
    said = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    lines = completed(said, answer.media_type, also)
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": answer.body})

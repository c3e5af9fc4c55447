"""Requests to providers: https, no redirects, and limits on how much and how long.

The only importer of httpx besides the Lab.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import httpx

from limen.provider import is_safe_url
from limen.social.failure import Failure, SocialFailure

if TYPE_CHECKING:
    import ssl

MAX_OCTETS: Final = 262_144  # of one answer; the largest honest key sets have some 20 KiB
TIMEOUT_S: Final = 10.0  # for one whole request, however slowly its octets come
CONNECT_S: Final = 5.0
_OK: Final = 200
_FAILED: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a provider, read to its end."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return what the body says; raises `ValueError` if that is no JSON."""
        return json.loads(self.body.decode("utf-8"))


@lru_cache(1)
def _trust() -> ssl.SSLContext:
    # To read the certificates takes tens of milliseconds, so it is done once.
    return httpx.create_ssl_context()


class Outbound:
    """What sends requests to providers, for one sign-in."""

    def __init__(self, client: httpx.AsyncClient, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read a URL; raises `SocialFailure`."""
        return await self._send("GET", url, headers=headers)

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Reply:
        """Send a form; raises `SocialFailure`."""
        return await self._send("POST", url, headers=headers, content=body.encode())

    async def object_at(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at a URL; raises `SocialFailure`."""
        value = await self.value_at(url, headers)
        if not isinstance(value, dict):
            raise SocialFailure(Failure.UNREACHABLE, f"{_place(url)} answered no JSON object")
        return value

    async def value_at(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON at a URL; raises `SocialFailure`."""
        reply = await self.get(url, headers)
        if reply.status != _OK:
            raise SocialFailure(Failure.UNREACHABLE, f"{_place(url)} answered {reply.status}")
        try:
            return reply.json()
        except (ValueError, RecursionError):
            raise SocialFailure(Failure.UNREACHABLE, f"{_place(url)} answered no JSON") from None

    async def _send(self, method: str, url: str, **request: Any) -> Reply:
        if not is_safe_url(url):
            raise SocialFailure(Failure.UNREACHABLE, "a provider's endpoint is not https")
        try:
            # A limit on the whole: httpx alone limits the wait for each next piece.
            async with asyncio.timeout(self._timeout_s):
                return await self._read(method, url, **request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as fault:
            cause = f"{_place(url)} did not answer ({type(fault).__name__})"
            raise SocialFailure(Failure.UNREACHABLE, cause) from None

    async def _read(self, method: str, url: str, **request: Any) -> Reply:
        async with self._client.stream(method, url, **request) as response:
            if response.status_code >= _FAILED or response.is_redirect:
                cause = f"{_place(url)} answered {response.status_code}"
                raise SocialFailure(Failure.UNREACHABLE, cause)
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_OCTETS:
                    cause = f"{_place(url)} answered more than {MAX_OCTETS} octets"
                    raise SocialFailure(Failure.UNREACHABLE, cause)
            return Reply(response.status_code, bytes(body))


@contextlib.asynccontextmanager
async def outbound(timeout_s: float = TIMEOUT_S) -> AsyncIterator[Outbound]:
    """Give what sends requests, and close its connections afterwards."""
    limits = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
    # No compression: a small body must not unpack into a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "limen"}
    async with httpx.AsyncClient(
        verify=_trust(), timeout=limits, headers=headers, follow_redirects=False
    ) as client:
        yield Outbound(client, timeout_s)


def _place(url: str) -> str:
    """Return a URL without its query, for a log."""
    return url.partition("?")[0]

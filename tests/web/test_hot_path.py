"""What a check of a known credential does, counted: no time is measured, so no machine is slow."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from limens import SECRET

from limen import Authenticated, Authentication, Limen
from limen.clock import SystemClock
from limen.stores.sql import SqlStore, migrate
from limen.web.asgi import AuthMiddleware
from limen.web.request import Edge, RequestAuth
from limen.web.starlette import SCOPE_KEY

WARM = [("jwt", {}), ("hybrid", {}), ("session", {"check": "feed"})]
ids = [" ".join([name, *options.values()]) for name, options in WARM]


class CountingClock(SystemClock):
    """The system's clock, and how often it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def now(self) -> int:
        self.reads += 1
        return super().now()


class CountingStore(SqlStore):
    """A SQLite file, and what it was asked."""

    asked: int = 0

    async def perform(self, effect: Any) -> Any:
        self.asked += 1
        return await super().perform(effect)


class CountedHeaders(list[tuple[bytes, bytes]]):
    """The lines of a request, and how often they were gone through."""

    passes = 0

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        self.passes += 1
        return super().__iter__()


def scope_with(credential: str, carrier: str) -> dict[str, Any]:
    line = {
        "cookie": (b"cookie", b"__Host-better-auth.session_token=" + credential.encode()),
        "bearer": (b"authorization", b"Bearer " + credential.encode()),
    }[carrier]
    headers = CountedHeaders([(b"host", b"app.example"), (b"accept", b"*/*"), line])
    return {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": "/me",
        "headers": headers,
    }


@pytest.mark.parametrize("carrier", ["cookie", "bearer"])
@pytest.mark.parametrize(("strategy", "options"), WARM, ids=ids)
def test_a_known_credential_costs_so_much_and_no_more(tmp_path, strategy, options, carrier) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/app.db"
    migrate(url)
    clock, store = CountingClock(), CountingStore(url)

    async def scenario() -> None:
        site = Limen(
            strategy,
            store=store,
            clock=clock,
            secret=SECRET,
            base_url="https://app.example",
            **options,
        )
        async with site:
            signed_in: Any = await site.remember(Authentication("usr_a", clock.now()))
            credential = signed_in.issued.access.reveal()
            edge = Edge(site)
            first = RequestAuth(edge, scope_with(credential, carrier))
            assert isinstance(await first.verdict(), Authenticated)  # from here on it is known
            clock.reads = store.asked = 0
            scope = scope_with(credential, carrier)
            assert isinstance(await RequestAuth(edge, scope).verdict(), Authenticated)
            assert store.asked == 0
            assert clock.reads == 1  # its end; a feed of SQLite asks the file and no clock
            assert scope["headers"].passes == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("asks", [False, True], ids=["open", "protected"])
def test_nothing_of_a_request_waits_for_the_garbage_collector(tmp_path, asks) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/app.db"
    migrate(url)

    async def receive() -> dict[str, Any]:
        raise AssertionError("nobody reads the body")

    async def send(message: Any) -> None:
        del message

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if asks:
            assert isinstance(await scope[SCOPE_KEY].verdict(), Authenticated)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def scenario() -> int:
        async with Limen("hybrid", database=url, secret=SECRET) as site:
            signed_in: Any = await site.remember(Authentication("usr_a", site.assembly.clock.now()))
            served = AuthMiddleware(app, site)
            credential = signed_in.issued.access.reveal()
            for _ in range(10):
                await served(scope_with(credential, "bearer"), receive, send)
            gc.collect()
            gc.disable()
            for _ in range(100):
                await served(scope_with(credential, "bearer"), receive, send)
            return gc.collect()

    try:
        assert asyncio.run(scenario()) < 100
    finally:
        gc.enable()


def test_a_route_that_asks_nobody_reads_no_header() -> None:
    scope = scope_with("x", "cookie")
    RequestAuth(Edge(Limen("jwt", refresh=None, secret=SECRET)), scope)
    assert scope["headers"].passes == 0

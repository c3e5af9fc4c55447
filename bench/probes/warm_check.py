"""CPU time of judging one credential that the process knows, and of the whole edge around it."""

from __future__ import annotations

import asyncio
from typing import Any

from bench.limens import credential_of, limen_of
from bench.probes.timing import addresses, cost_of, parser, report
from limen.verdict import Authenticated
from limen.web.request import Edge, RequestAuth


async def found(setting: str, calls: int, seconds: float, **place: object) -> dict[str, object]:
    """Measure `Limen.authenticate` and `RequestAuth.verdict`."""
    auth = limen_of(setting, place["addresses"])  # type: ignore[arg-type]
    async with auth:
        issued = await credential_of(auth)
        token = issued.access.reveal()
        edge = Edge(auth)
        scope: dict[str, Any] = {
            "type": "http",
            "scheme": "http",
            "method": "GET",
            "path": "/protected",
            "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"*/*")],
        }
        cookies = edge.cookies_at("http", b"127.0.0.1:8000").deliver(issued, 0)
        pairs = b"; ".join(value.partition(b";")[0] for _, value in cookies)
        scope["headers"] = [*scope["headers"], (b"cookie", pairs)]

        async def direct() -> object:
            return await auth.authenticate(token)

        async def through_the_edge() -> object:
            return await RequestAuth(edge, scope).verdict()

        for call in (direct, through_the_edge):
            verdict = await call()
            assert isinstance(verdict, Authenticated), verdict
        return {
            "direct": await cost_of(direct, calls, seconds),
            "edge": await cost_of(through_the_edge, calls, seconds),
        }


def main() -> None:
    """Measure one setting."""
    asking = parser()
    asking.add_argument("--setting", required=True)
    asking.add_argument("--calls", type=int, required=True)
    asking.add_argument("--seconds", type=float, required=True)
    asked = asking.parse_args()
    report(
        asyncio.run(found(asked.setting, asked.calls, asked.seconds, addresses=addresses(asked)))
    )


if __name__ == "__main__":
    main()

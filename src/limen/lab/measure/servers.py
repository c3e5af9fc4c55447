"""Servers as an application deploys them: nobody follows the trace, which would slow them down."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from limen import Budget, Limen
from limen.lab.measure.process import Process
from limen.lab.servers.site import loopback_socket, served, shop_floor, url_of
from limen.lab.setups import SAME_FOR_ALL, Setup, Storage
from limen.settings import Options
from limen.web.starlette import install

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.applications import Starlette
    from starlette.requests import Request

    from limen.guarantees import Guarantees
    from limen.lab.servers.site import StoreFor

# A resource that asks nobody who they are, to compare with.
OPEN: Final = "/open"
# People sign in here more often than a budget against guessing would allow.
_AMPLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the servers of one setup share.

    `access_lifetime` is in seconds, `None` for the default. A store of `store_for` cannot be
    handed to another process, so with one the servers are threads of this process.
    """

    setup: Setup
    database: Path
    secret: str = field(repr=False)
    access_lifetime: float | None = None
    store_for: StoreFor | None = None

    def as_json(self) -> str:
        """Return the one line that a server of its own process reads."""
        stated = asdict(self) | {"database": str(self.database)}
        del stated["store_for"]
        return json.dumps(stated)

    @classmethod
    def from_json(cls, line: str) -> Grounds:
        """Read that line."""
        stated: dict[str, Any] = json.loads(line)
        setup: dict[str, Any] = stated["setup"]
        setup["storage"] = Storage(setup["storage"])
        setup["trusted_origins"] = tuple(setup["trusted_origins"])
        return cls(**{**stated, "setup": Setup(**setup), "database": Path(stated["database"])})

    @property
    def options(self) -> Options:
        """What a Limen takes by keyword, besides the strategy and where it keeps things."""
        options = self.setup.options | Options(
            secret=self.secret,
            account_budget=Budget("sign-in:account", _AMPLE, 1000),
            address_budget=Budget("sign-in:address", _AMPLE, 1000),
            **SAME_FOR_ALL,
        )
        if self.access_lifetime is not None:
            options["access_lifetime"] = self.access_lifetime
        return options

    @property
    def options_with_database(self) -> Options:
        """What a Limen takes by keyword that opens the database itself."""
        return self.options | Options(database=url_of(self.database))

    def limen(self) -> Limen:
        """Return another Limen over the database, as another process would build it."""
        if self.store_for is None:
            return Limen(self.setup.strategy, **self.options_with_database)
        store = self.store_for(url_of(self.database))
        return Limen(self.setup.strategy, store=store, **self.options)

    @property
    def guarantees(self) -> Guarantees:
        """What the setup promises with these settings."""
        return self.limen().assembly.parts.primary.guarantees

    def shop(self) -> Starlette:
        """Return the shop with Limen installed, and a resource that asks nobody."""
        shop = shop_floor()
        shop.add_route(OPEN, _open, methods=["GET"])
        install(shop, self.limen())
        return shop


@contextlib.contextmanager
def servers(grounds: Sequence[Grounds]) -> Iterator[tuple[int, ...]]:
    """Serve each of them until the block ends; give the ports, on the loopback."""
    with contextlib.ExitStack() as opened:
        if any(one.store_for for one in grounds):
            yield tuple(opened.enter_context(served_here(one)) for one in grounds)
            return
        # Both start at once, and only then is anyone waited for.
        processes = [opened.enter_context(Process(one.as_json())) for one in grounds]
        yield tuple(one.port() for one in processes)


@contextlib.contextmanager
def served_here(grounds: Grounds) -> Iterator[int]:
    """Serve from a thread of this process until the block ends; give the port."""
    with loopback_socket() as listening, served(grounds.shop(), listening):
        port: int = listening.getsockname()[1]
        yield port


async def _open(request: Request) -> JSONResponse:
    del request
    return JSONResponse({"orders": []})

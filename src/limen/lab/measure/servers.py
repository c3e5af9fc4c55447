"""Servers as an application deploys them: nobody follows the trace, which would slow them down."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

from limen import Budget, Limen
from limen.lab.site import loopback_socket, served, shop_floor, url_of
from limen.settings import Options
from limen.web.starlette import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

    from limen.guarantees import Guarantees
    from limen.lab.setups import Setup
    from limen.lab.site import StoreFor

# A resource that asks nobody who they are, to compare with.
OPEN: Final = "/open"
# People sign in here more often than a budget against guessing would allow.
_AMPLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the servers of one setup share: the database, the secret, a lifetime in seconds."""

    setup: Setup
    database: Path
    options: Options
    store_for: StoreFor | None = None

    @classmethod
    def prepared(
        cls,
        setup: Setup,
        database: Path,
        secret: str,
        *,
        access_lifetime: float | None = None,
        store_for: StoreFor | None = None,
    ) -> Grounds:
        """Return the settings; without `access_lifetime` tokens live as long as by default."""
        options = setup.options | Options(
            secret=secret,
            account_budget=Budget("sign-in:account", _AMPLE, 1000),
            address_budget=Budget("sign-in:address", _AMPLE, 1000),
        )
        if access_lifetime is not None:
            options["access_lifetime"] = access_lifetime
        return cls(setup, database, options, store_for)

    def limen(self) -> Limen:
        """Return another Limen over the database, as another process would build it."""
        if self.store_for is None:
            return Limen(self.setup.strategy, **self.options_with_database)
        store = self.store_for(url_of(self.database))
        return Limen(self.setup.strategy, store=store, **self.options)

    @property
    def options_with_database(self) -> Options:
        """What a Limen takes by keyword that opens the database itself."""
        return self.options | Options(database=url_of(self.database))

    @property
    def guarantees(self) -> Guarantees:
        """What the setup promises with these settings."""
        return self.limen().assembly.parts.primary.guarantees

    @contextmanager
    def server(self) -> Iterator[int]:
        """Serve the shop on a free port of the loopback until the block ends; give the port."""
        shop = shop_floor()
        shop.add_route(OPEN, _open, methods=["GET"])
        install(shop, self.limen())
        with loopback_socket() as listening, served(shop, listening):
            port: int = listening.getsockname()[1]
            yield port


async def _open(request: Request) -> JSONResponse:
    del request
    return JSONResponse({"orders": []})

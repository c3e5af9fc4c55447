"""How many attempts one address has, before anything else is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limen.addresses import IPV6_PREFIX, UNKNOWN_ADDRESS, network_of

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import Scope

__all__ = ["IPV6_PREFIX", "UNKNOWN_ADDRESS", "address_of", "spend", "spend_on_letter"]


def address_of(scope: Scope) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    Clients whose address is unknown (a Unix socket without a proxy's word) share one budget.
    """
    client = scope.get("client")
    return network_of(client[0] if client else "")


async def spend(auth: Limen, scope: Scope, path: str) -> int | None:
    """Draw on the budget of an address for one path; return the seconds to wait, if any.

    `path` is an endpoint's own path, so that no spelling of it has a budget of its own and
    made-up paths cost no row.
    """
    return await auth.spend(auth.settings.address_budget, f"{address_of(scope)}|{path}")


async def spend_on_work(auth: Limen, scope: Scope, path: str) -> int | None:
    """Draw on what one address may have done at an endpoint that costs work; as `spend`."""
    return await auth.spend(auth.settings.request_budget, f"{address_of(scope)}|{path}")


async def spend_on_letter(auth: Limen, scope: Scope) -> int | None:
    """Draw on the letters that one address may cause; return the seconds to wait, if any.

    Drawn before anybody looks whether there is an account, so that the limit tells nothing.
    """
    return await auth.spend(auth.settings.letter_address_budget, address_of(scope))

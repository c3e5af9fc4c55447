"""How many attempts one address has, before anything else is looked at."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limen.authority import Limen
    from limen.web.asgi import Scope

IPV6_PREFIX = 64  # one customer has a whole /64, so it counts as one address
UNKNOWN_ADDRESS = "unknown"


def address_of(scope: Scope) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    Clients whose address is unknown (a Unix socket without a proxy's word) share one budget.
    """
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0] if client else "")
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


async def spend(auth: Limen, scope: Scope, path: str) -> int | None:
    """Draw on the budget of an address for one path; return the seconds to wait, if any.

    `path` is an endpoint's own path, so that no spelling of it has a budget of its own and
    made-up paths cost no row.
    """
    return await auth.spend(auth.settings.address_budget, f"{address_of(scope)}|{path}")


async def spend_on_letter(auth: Limen, scope: Scope) -> int | None:
    """Draw on the letters that one address may cause; return the seconds to wait, if any.

    Drawn before anybody looks whether there is an account, so that the limit tells nothing.
    """
    return await auth.spend(auth.settings.letter_address_budget, address_of(scope))

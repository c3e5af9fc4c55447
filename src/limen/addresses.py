"""What counts as one client when addresses are counted."""

from __future__ import annotations

import ipaddress
from typing import Final

IPV6_PREFIX: Final = 64  # one customer has a whole /64, so it counts as one address
UNKNOWN_ADDRESS: Final = "unknown"


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, the /64 of an IPv6 address, or `UNKNOWN_ADDRESS`."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
    return str(known)

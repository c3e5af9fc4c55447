"""Whether an application runs for its developer or for others."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from limen.transports.origin import is_loopback

if TYPE_CHECKING:
    from limen.settings import Settings
    from limen.web.asgi import Scope

# Where deployments say what they are; only these names are read, and only for these words.
STATED_IN: Final = ("LIMEN_ENV", "APP_ENV", "ENVIRONMENT", "ENV")
PRODUCTION: Final = frozenset({"live", "preprod", "prd", "prod", "production", "stage", "staging"})


def production_stated_in() -> str | None:
    """Return the variable of the environment that says that this is no development."""
    for name in STATED_IN:
        # One of the words is enough: prod-eu-1 is no development either.
        if PRODUCTION & set(re.findall("[a-z]+", os.environ.get(name, "").lower())):
            return name
    return None


def is_development(settings: Settings) -> bool:
    """Tell whether nothing says that others reach this application.

    Its `base_url` must be of this machine or unset, and no variable may say production.
    """
    if settings.base_url is not None and not is_loopback(settings.base_url):
        return False
    return production_stated_in() is None


def from_this_machine(scope: Scope) -> bool:
    """Tell whether a request was made on this machine, as far as those who passed it on say."""
    client = scope.get("client")
    told = [
        part.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for part in value.decode("latin-1").split(",")
    ]
    return client is not None and all(_is_here(one) for one in (client[0], *told))


def _is_here(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback

"""Asking the application's hook which breached passwords it knows, and what its faults mean."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Collection
from typing import TYPE_CHECKING, Final

from limen.errors import StoreUnavailable

if TYPE_CHECKING:
    from limen.passwords import PasswordPolicy

SECONDS: Final = 5  # somebody waits with a form; a hook that awaits is cut off
_log = logging.getLogger("limen")


async def search(policy: PasswordPolicy, prefix: str) -> frozenset[str]:
    """Ask; a hook that does not await has a thread.

    Raises `StoreUnavailable` if it fails and `breached_required` is set.
    """
    if policy.breached is None:
        return frozenset()
    try:
        async with asyncio.timeout(SECONDS):
            found = await asyncio.to_thread(policy.breached, prefix)
            return frozenset(await found if inspect.isawaitable(found) else found)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is not the password's
        return _unknown(policy, fault)


def search_blocking(policy: PasswordPolicy, prefix: str) -> frozenset[str]:
    """Ask without awaiting; otherwise the same as `search`."""
    if policy.breached is None:
        return frozenset()
    try:
        found = policy.breached(prefix)
        return frozenset(asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is not the password's
        return _unknown(policy, fault)


async def _awaited(found: Awaitable[Collection[str]]) -> Collection[str]:
    async with asyncio.timeout(SECONDS):
        return await found


def _unknown(policy: PasswordPolicy, fault: Exception) -> frozenset[str]:
    # Its type alone: its text may quote the digits that were asked about.
    _log.warning("nobody could say whether a password is breached: %s", type(fault).__name__)
    if policy.breached_required:
        raise StoreUnavailable("nobody can say whether this password is breached") from None
    return frozenset()
